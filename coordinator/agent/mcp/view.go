package mcp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
)

// MaxFile is the largest file that workspace_read shows, in bytes.
const MaxFile = 1 << 20

// View reads the files of one directory and nothing outside it: [os.Root] follows no
// link that leads out. Errors name paths relative to the view only.
type View struct{ root *os.Root }

// OpenView opens a view's directory. The caller closes it.
func OpenView(dir string) (*View, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the view: %w", err)
	}
	return &View{root}, nil
}

// Close gives the directory back.
func (v *View) Close() error { return v.root.Close() }

// Read returns a regular file of at most [MaxFile] bytes.
func (v *View) Read(name string) ([]byte, error) {
	if name == "" || path.IsAbs(name) || !fs.ValidPath(path.Clean(name)) {
		return nil, fmt.Errorf("%q is not a path inside your working directory: use a relative one", name)
	}
	// Without O_NONBLOCK a named pipe in the view would hold the call for ever.
	f, err := v.root.OpenFile(path.Clean(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, inView(name, err)
	}
	defer f.Close()
	return readRegular(f, name)
}

func readRegular(f *os.File, name string) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, inView(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, inView(name, err)
	}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%s has more than %d bytes: read it with your own tools, piece by piece", name, MaxFile)
	}
	return data, nil
}

// inView words a file error without the path of the machine.
func inView(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &viewError{name + " does not exist", err}
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may not be read", name)
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// viewError words an error for the model; callers still find out which it is.
type viewError struct {
	text string
	err  error
}

func (e *viewError) Error() string { return e.text }
func (e *viewError) Unwrap() error { return e.err }
