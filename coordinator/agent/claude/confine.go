package claude

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// pathTools are the client's own tools that take paths, and the inputs that hold them.
var pathTools = map[string][]string{
	"Read": {"file_path"}, "Write": {"file_path"}, "Edit": {"file_path"}, "MultiEdit": {"file_path"},
	"NotebookEdit": {"notebook_path"}, "NotebookRead": {"notebook_path"},
	"Glob": {"path", "pattern"}, "Grep": {"path"}, "LS": {"path"},
}

// outside returns "" or the reason why a file tool's input leaves the view. It judges
// the path as it is written and as its links lead; a path that does not exist yet is
// judged by the part that does. Check and use are two steps, so this is a fence for
// the honest; see the package comment.
func outside(view, tool string, input map[string]any) string {
	for _, key := range pathTools[tool] {
		p, _ := input[key].(string)
		if p == "" || key == "pattern" && !filepath.IsAbs(p) && !strings.Contains(p, "..") && p[0] != '~' {
			continue
		}
		if err := confined(view, p); err != nil {
			return fmt.Sprintf("%s: %v", tool, err)
		}
	}
	return ""
}

func confined(view, path string) error {
	out := fmt.Errorf("%.300s is outside your working directory, which is all you may use", path)
	if strings.HasPrefix(path, "~") || strings.ContainsRune(path, 0) {
		return out
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(view, path)
	}
	real, err := filepath.EvalSymlinks(view)
	if err != nil {
		return errors.New("your working directory cannot be read")
	}
	path = filepath.Clean(path)
	if !within(view, path) && !within(real, path) {
		return out
	}
	target, err := resolve(path)
	if err != nil {
		return errors.New("the path cannot be followed: " + reason(err))
	}
	if !within(real, target) {
		return out
	}
	return nil
}

// within tells whether path is dir or below it. Both are clean.
func within(dir, path string) bool {
	dir = filepath.Clean(dir)
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// resolve follows the links of the longest part of path that exists.
func resolve(path string) (string, error) {
	rest := ""
	for {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(real, rest), nil
		}
		if !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			return "", err
		}
		if dangling(path) {
			return "", errors.New("it is a link to nowhere")
		}
		path, rest = filepath.Dir(path), filepath.Join(filepath.Base(path), rest)
	}
}

func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
