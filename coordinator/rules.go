package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/coordinator/world"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
	star "github.com/sandtable/sandtable/sim/starlark"
)

// folder is the scenario's folder as its Starlark files see it.
type folder struct{ *scenarios.Files }

// ReadFile returns a file of the folder.
func (f folder) ReadFile(path string) ([]byte, error) { return f.Read(path) }

// openWorld returns the scenario's rules; nil if it has none.
func (r *run) openWorld(w *scenarios.World) (sim.World, error) {
	switch {
	case w == nil:
		return nil, nil
	case w.Star != "":
		return star.LoadWorld(folder{r.scenario.Files}, w.Star, star.WithPrint(func(line string) {
			r.trace.event("world.print", at{}, line, nil)
		}))
	}
	return r.openWorldProgram(w)
}

// openWorldProgram starts a world program in a folder of its own, in which it also finds
// the head while a call is open.
func (r *run) openWorldProgram(w *scenarios.World) (sim.World, error) {
	if err := r.supervise(); err != nil {
		return nil, err
	}
	view, err := r.ws.View("@world")
	if err != nil {
		return nil, err
	}
	home, err := r.ws.HomeDir("@world")
	if err != nil {
		return nil, err
	}
	argv, err := r.copyApp(w.Command, filepath.Join(home, "app"))
	if err != nil {
		return nil, err
	}
	stderr, err := r.agentFile("@world", "stderr")
	if err != nil {
		return nil, err
	}
	p, err := world.Open(r.ctx, world.Config{
		Timeout: w.Timeout, Tree: func() string { return view.Dir() },
		Log: func(text string) { _, _ = io.WriteString(stderr, text) },
		Spawn: func(ctx context.Context) (*world.Process, error) {
			return r.spawnPlain(ctx, process.Spec{Name: "@world", Argv: argv, Env: plainEnv(home), Dir: home})
		},
	})
	if err != nil {
		return nil, errors.Join(err, stderr.Close())
	}
	r.onClose(func(context.Context) error { return errors.Join(p.Close(), stderr.Close()) })
	return &treeWorld{World: p, view: view.Refresh}, nil
}

func plainEnv(home string) []string {
	return envList(map[string]string{
		"PATH": searchPath(), "TZ": "UTC", "LANG": "C.UTF-8", "HOME": home, "TMPDIR": home, "PYTHONDONTWRITEBYTECODE": "1",
	})
}

// spawnPlain starts a process of the harness's own under the supervisor.
func (r *run) spawnPlain(ctx context.Context, spec process.Spec) (*world.Process, error) {
	p, err := r.procs.Spawn(ctx, spec)
	if err != nil {
		return nil, err
	}
	return &world.Process{
		Stdin: p.Stdin, Stdout: p.Stdout, Stderr: p.Stderr,
		Kill: func() { r.kills.Go(func() { r.killed(spec.Name, p) }) },
		Wait: func() string { <-p.Done(); return p.Exit().String() },
	}, nil
}

// command runs the command of a metric or an outcome on a copy of the head with the
// folder `add` of the scenario laid over it: tests that no agent can read.
func (r *run) command(ctx context.Context, c bind.Command, at *sim.MeasureScope) (exit int, stdout string, err error) {
	dir, err := os.MkdirTemp(r.sandbox, "m-")
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, removeAll(dir)) }()
	work := filepath.Join(dir, "w")
	if err := r.layHead(work, at); err != nil {
		return 0, "", err
	}
	for _, name := range r.scenario.Files.Under(c.Add) {
		rel, err := filepath.Rel(filepath.FromSlash(c.Add), filepath.FromSlash(name))
		if err != nil || c.Add == "" {
			continue
		}
		if err := makeRoom(work, rel); err != nil {
			return 0, "", err
		}
		if err := copyOut(r.scenario.Files.Read, r.scenario.Files.Name(name), name, filepath.Join(work, rel)); err != nil {
			return 0, "", err
		}
	}
	return r.runCommand(ctx, c, work, dir)
}

// makeRoom removes what agents have put where a file of ours goes: the file itself, and
// links or files in the place of its folders.
func makeRoom(dir, rel string) error {
	name := dir
	for _, part := range strings.Split(filepath.ToSlash(filepath.Dir(rel)), "/") {
		name = filepath.Join(name, part)
		if info, err := os.Lstat(name); err == nil && !info.IsDir() {
			return os.Remove(name)
		}
	}
	return os.RemoveAll(filepath.Join(dir, rel))
}

const (
	maxCommandOutput = 8 << 20
	commandTimeout   = 5 * time.Minute
)

func (r *run) layHead(dir string, at *sim.MeasureScope) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return lay(dir, func(write func(string, []byte, bool) error) error {
		for path, e := range at.Tree.All() {
			if err := layEntry(dir, path, e, at.Blobs, write); err != nil {
				return err
			}
		}
		return nil
	})
}

// runCommand: a command that does not end in time is killed and has exit code -1.
func (r *run) runCommand(ctx context.Context, c bind.Command, work, home string) (int, string, error) {
	p, err := r.procs.Spawn(ctx, process.Spec{Name: "@measure", Argv: c.Argv, Env: plainEnv(home), Dir: work})
	var spawn *process.SpawnError
	if errors.As(err, &spawn) {
		return 127, spawn.Text, nil
	}
	if err != nil {
		return 0, "", err
	}
	defer p.CloseStreams()
	p.Stdin.Close()
	limit := c.Timeout
	if limit == 0 {
		limit = commandTimeout
	}
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, end := range []context.Context{timed, r.ctx} {
		defer context.AfterFunc(end, func() { r.kills.Go(func() { r.killed("@measure", p) }) })()
	}
	go func() { _, _ = io.Copy(io.Discard, p.Stderr) }()
	out, err := io.ReadAll(io.LimitReader(p.Stdout, maxCommandOutput))
	if err == nil {
		_, err = io.Copy(io.Discard, p.Stdout)
	}
	<-p.Done()
	for _, end := range []context.Context{ctx, r.ctx} {
		if end.Err() != nil { // it was killed with the run, and says nothing
			return 0, "", context.Cause(end)
		}
	}
	if exit := p.Exit(); exit.Err != nil {
		return 0, "", fmt.Errorf("command %q: %w", c.Argv, exit.Err)
	}
	return p.Exit().Code, string(out), err
}
