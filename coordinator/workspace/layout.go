package workspace

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// version is one side of a conflict on its way into the view.
type version struct {
	suffix string // base, theirs, yours
	entry  tree.Entry
}

// laidOut are the paths of a conflict's files, relative to the view; "" is none.
type laidOut struct {
	base, theirs, yours, diff string
	omitted                   []string // sentences on what is not laid out
}

// versions are the sides to lay out. Of a path that the agent may not read it gets only
// what it wrote itself.
func (v *View) versions(d tree.Decision, readable bool) []version {
	list := []version{{"yours", d.New}}
	if readable {
		list = append(list, version{"theirs", d.Head}, version{"base", d.Base})
	}
	return list
}

// layOut writes the versions and, where both sides are text, their difference.
func (v *View) layOut(turn int, path string, list []version) (laidOut, error) {
	var out laidOut
	stem := v.stem(turn, path)
	content := map[string][]byte{}
	for _, ver := range list {
		if ver.entry.Absent() {
			continue
		}
		if ver.entry.Size > v.w.opt.MaxLayout {
			out.omitted = append(out.omitted, fmt.Sprintf("The version %q is too large to lay out (%d bytes).", ver.suffix, ver.entry.Size))
			continue
		}
		data, err := v.w.blobs.Get(ver.entry.Hash)
		if err != nil {
			return out, err
		}
		content[ver.suffix] = data
		if err := v.layFile(out.slot(ver.suffix), stem+"."+ver.suffix, data); err != nil {
			return out, err
		}
	}
	return out, v.layDiff(&out, stem, content)
}

func (v *View) layDiff(out *laidOut, stem string, content map[string][]byte) error {
	from := "theirs"
	if content[from] == nil {
		from = "base"
	}
	yours := content["yours"]
	if content[from] == nil || yours == nil || bytes.Equal(content[from], yours) {
		return nil
	}
	return v.layFile(&out.diff, stem+".diff", tree.UnifiedDiff(content[from], yours, from, "yours"))
}

func (l *laidOut) slot(suffix string) *string {
	switch suffix {
	case "base":
		return &l.base
	case "theirs":
		return &l.theirs
	}
	return &l.yours
}

// layFile puts one file below .sandtable. Whatever the agent made there gives way: it
// is never versioned.
func (v *View) layFile(slot *string, path string, data []byte) error {
	clear := func(dir int, name, _ string) error { return removeTree(dir, name) }
	dir, base, err := makeParents(v.m.fd, path, clear)
	if err != nil {
		return &StorageError{"lay out", showPath(path), err}
	}
	defer closeUnless(dir, v.m.fd)
	staged := v.w.fresh("l")
	if err := writeAt(v.w.stage, staged, data, 0o644); err != nil {
		_ = unix.Unlinkat(v.w.stage, staged, 0)
		return &StorageError{"lay out", showPath(path), err}
	}
	displaced, _, err := v.w.swap(v.w.stage, staged, dir, base)
	if err != nil || displaced {
		_ = removeTree(v.w.stage, staged)
	}
	if err != nil {
		return &StorageError{"lay out", showPath(path), err}
	}
	*slot = path
	return nil
}

// stem is where a path's versions go: .sandtable/conflicts/<turn>/<path>, with a number
// behind the turn for the second conflict of a path in one turn.
func (v *View) stem(turn int, path string) string {
	key := fmt.Sprintf("%d/%s", turn, path)
	v.layers[key]++
	folder := fmt.Sprintf("%s/conflicts/%d", tree.Reserved, turn)
	if n := v.layers[key]; n > 1 {
		folder = fmt.Sprintf("%s-%d", folder, n)
	}
	return folder + "/" + plainPath(path)
}

// Room for a suffix and a digest behind each element, and for the folder in front.
const (
	plainElement = 200
	plainTotal   = 1024
	digestBytes  = 6
)

// plainPath is a path that can be laid out and named on one line anywhere: elements
// with odd bytes or too long get them replaced, and a digest so that they stay apart.
// So do folders that are named like a version of a file, and what is named as if it had
// a digest already: no two paths share a place.
func plainPath(path string) string {
	elems := strings.Split(path, "/")
	for i, e := range elems {
		elems[i] = plainName(e, i < len(elems)-1 && isVersion(e) || hasDigest(e))
	}
	if out := strings.Join(elems, "/"); len(out) <= plainTotal {
		return out
	}
	return "long-" + digest(path)
}

// isVersion reports whether a name ends like those of the files that are laid out.
func isVersion(name string) bool {
	return slices.Contains([]string{".base", ".theirs", ".yours", ".diff"}, path.Ext(name))
}

// hasDigest reports whether a name ends like those that plainName has changed.
func hasDigest(name string) bool {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return false
	}
	sum, err := hex.DecodeString(name[i+1:])
	return err == nil && len(sum) == digestBytes
}

func plainName(name string, taken bool) string {
	out := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, name)
	if out == name && len(name) <= plainElement && !taken {
		return name
	}
	for len(out) > plainElement {
		_, size := utf8.DecodeLastRuneInString(out)
		out = out[:len(out)-size]
	}
	return out + "-" + digest(name)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:digestBytes])
}
