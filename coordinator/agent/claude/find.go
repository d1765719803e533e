package claude

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Pinned is the version of the client that the driver was measured with.
const Pinned = "2.1.330"

// Finder finds the client. The zero value looks into this process's surroundings; the
// functions are there so that a test can give it others. It is safe for concurrent use.
type Finder struct {
	AnyVersion bool // take another version than [Pinned]

	Getenv     func(string) string    // nil: os.Getenv
	Executable func() (string, error) // nil: os.Executable
	Getwd      func() (string, error) // nil: os.Getwd

	mu    sync.Mutex
	known map[probed]string
}

// probed is a binary as it was when it said its version.
type probed struct {
	path  string
	size  int64
	mtime time.Time
}

// VersionError is a client of another version than the pinned one.
type VersionError struct{ Path, Version string }

// Error names the remedies.
func (e *VersionError) Error() string {
	return fmt.Sprintf("%s is Claude Code %s, and sandtable is measured with %s: install that one (`make deps` in a checkout), or take this one at your own risk with --any-claude",
		e.Path, e.Version, Pinned)
}

// ErrNotFound is returned if there is no client anywhere.
var ErrNotFound = errors.New("no Claude Code client was found: run `make deps` in the checkout, put `claude` on PATH, or name one with --claude or SANDTABLE_CLAUDE")

// Find returns the client and its version. It takes the first of: explicit (the value
// of --claude), SANDTABLE_CLAUDE, the checkout's install, PATH. One that is named and
// cannot run is an error, not a reason to look further.
func (f *Finder) Find(ctx context.Context, explicit string) (path, version string, err error) {
	path, err = f.locate(explicit)
	if err != nil {
		return "", "", err
	}
	version, err = f.version(ctx, path)
	if err != nil {
		return "", "", err
	}
	if version != Pinned && !f.AnyVersion {
		return path, version, &VersionError{path, version}
	}
	return path, version, nil
}

func (f *Finder) locate(explicit string) (string, error) {
	getenv := f.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	if explicit != "" {
		return named("--claude", explicit)
	}
	if p := getenv("SANDTABLE_CLAUDE"); p != "" {
		return named("SANDTABLE_CLAUDE", p)
	}
	for _, dir := range f.checkouts() {
		for _, p := range platformPackages() {
			if path := filepath.Join(dir, ".deps", "node_modules", "@anthropic-ai", p, "claude"); runnable(path) {
				return path, nil
			}
		}
	}
	for _, dir := range filepath.SplitList(getenv("PATH")) {
		if path := filepath.Join(dir, "claude"); filepath.IsAbs(path) && runnable(path) {
			return path, nil
		}
	}
	return "", ErrNotFound
}

func named(by, path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err == nil && !runnable(abs) {
		err = errors.New("it is not an executable file")
	}
	if err != nil {
		return "", fmt.Errorf("%s names %q, but %w", by, path, err)
	}
	return abs, nil
}

func runnable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// checkouts are the directories that may be a checkout with an install of its own: the
// one above the running binary's bin, then the working directory and those above it,
// where tests run.
func (f *Finder) checkouts() []string {
	executable, getwd := f.Executable, f.Getwd
	if executable == nil {
		executable = os.Executable
	}
	if getwd == nil {
		getwd = os.Getwd
	}
	var out []string
	if exe, err := executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		out = append(out, filepath.Dir(filepath.Dir(exe)))
	}
	if dir, err := getwd(); err == nil {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			out = append(out, dir)
		}
	}
	return out
}

// platformPackages are the packages that may hold a client for this machine, the
// likeliest first.
func platformPackages() []string {
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	base := "claude-agent-sdk-" + runtime.GOOS + "-" + arch
	if runtime.GOOS != "linux" {
		return []string{base}
	}
	if musl, _ := filepath.Glob("/lib/ld-musl-*.so.1"); len(musl) > 0 {
		return []string{base + "-musl", base}
	}
	return []string{base, base + "-musl"}
}

var versionForm = regexp.MustCompile(`^(\d+\.\d+\.\d+\S*)`)

// version asks the binary once, as long as it is the same file.
func (f *Finder) version(ctx context.Context, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", path, err)
	}
	key := probed{path, info.Size(), info.ModTime()}
	f.mu.Lock()
	defer f.mu.Unlock()
	if v, ok := f.known[key]; ok {
		return v, nil
	}
	v, err := askVersion(ctx, path)
	if err != nil {
		return "", err
	}
	if f.known == nil {
		f.known = map[probed]string{}
	}
	f.known[key] = v
	return v, nil
}

func askVersion(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Env = []string{"PATH=" + defaultPath, "HOME=/nonexistent", "DISABLE_AUTOUPDATER=1"}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w; install the client anew with `make deps`", path, err)
	}
	m := versionForm.FindStringSubmatch(strings.TrimSpace(string(out)))
	if m == nil {
		return "", fmt.Errorf("%s --version says %.60q, which is no version of Claude Code", path, out)
	}
	return m[1], nil
}
