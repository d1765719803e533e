package scenarios

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

//go:embed initial
var initial embed.FS

// Init writes a small scenario that works, with scripted agents, into dir, and makes
// dir if need be. It returns the paths of the files. It overwrites nothing: if one of
// the files is there, none is written.
func Init(dir string) ([]string, error) {
	if info, err := os.Stat(dir); dir == "" || err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%q is no folder; init wants a new one, or one without a scenario", dir)
	}
	entries, err := fs.ReadDir(initial, "initial")
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		to := filepath.Join(dir, e.Name())
		if _, err := os.Lstat(to); err == nil {
			return nil, fmt.Errorf("%s is there already; init overwrites nothing, give it a new folder", to)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		paths = append(paths, to)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	for i, e := range entries {
		if err := writeNew(paths[i], path.Join("initial", e.Name())); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

func writeNew(to, from string) error {
	data, err := initial.ReadFile(from)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}
