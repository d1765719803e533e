package tree

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Reserved is the first path element that no tree holds: views keep what is told to
// an agent there.
const Reserved = ".sandtable"

// MaxElement and MaxPath are the longest path element and path, in bytes. 255 is
// NAME_MAX of the usual file systems; MaxPath leaves room, within PATH_MAX (4096), for
// the folder that a tree is laid out in, and bounds the depth of a tree.
const (
	MaxElement = 255
	MaxPath    = 3072
)

// ValidPath returns nil if a tree may hold path: relative, elements separated by
// single slashes, none of them empty, "." or "..", none longer than [MaxElement], no
// NUL, not below [Reserved]. Any other byte is allowed, a newline and invalid UTF-8
// included: agents name files as they like.
func ValidPath(path string) error {
	if why := pathFault(path); why != "" {
		return fmt.Errorf("path %s: %s", shown(path), why)
	}
	return nil
}

func pathFault(path string) string {
	switch {
	case path == "":
		return "is empty: name a file"
	case len(path) > MaxPath:
		return fmt.Sprintf("has %d bytes: at most %d are allowed", len(path), MaxPath)
	case path[0] == '/':
		return "is absolute: paths are relative to the workspace"
	case strings.IndexByte(path, 0) >= 0:
		return "holds a NUL byte"
	}
	first, _, _ := strings.Cut(path, "/")
	if first == Reserved {
		return Reserved + " is reserved for the harness: use another name"
	}
	return elementsFault(path)
}

func elementsFault(path string) string {
	for more := true; more; {
		var elem string
		elem, path, more = strings.Cut(path, "/")
		switch {
		case elem == "":
			return "has an empty element: use single slashes and no trailing one"
		case elem == "." || elem == "..":
			return "has the element " + elem + ": write the path without it"
		case len(elem) > MaxElement:
			return fmt.Sprintf("has an element of %d bytes: at most %d are allowed", len(elem), MaxElement)
		}
	}
	return ""
}

// shown makes a path fit for a message on one line: as it is where that is harmless,
// else quoted, and cut where it is long.
func shown(path string) string {
	const most = 200
	if len(path) > most {
		path = path[:most] + "…"
	}
	if q := strconv.Quote(path); q != `"`+path+`"` || strings.ContainsAny(path, " :;,") || path == "" {
		return q
	}
	return path
}

// check returns an error unless e is absent (wholly zero) or a possible entry.
func (e Entry) check() error {
	switch {
	case e.Absent() && e != (Entry{}):
		return errors.New("entry without a kind has a hash or a size: absent entries are zero")
	case e.Kind > Link:
		return fmt.Errorf("entry has the unknown kind %d", e.Kind)
	case e.Size < 0:
		return fmt.Errorf("entry has the negative size %d", e.Size)
	}
	return nil
}
