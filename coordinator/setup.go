package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/sandtable/sandtable/coordinator/agent/process"
)

// setUp runs a command of `workspace.setup` under the supervisor: neither what it leaves in
// the background nor a coordinator that is killed leaves a process behind.
func (r *run) setUp(ctx context.Context, argv, env []string, dir string, out io.Writer) error {
	p, err := r.procs.Spawn(ctx, process.Spec{Name: "@setup", Argv: argv, Env: env, Dir: dir})
	if err != nil {
		return err
	}
	defer p.CloseStreams()
	p.Stdin.Close()
	defer context.AfterFunc(ctx, func() { r.kills.Go(func() { r.killed("@setup", p) }) })()
	both := &serial{to: out}
	var copies sync.WaitGroup
	for _, from := range []io.Reader{p.Stdout, p.Stderr} {
		copies.Go(func() { _, _ = io.Copy(both, from) })
	}
	<-p.Done()
	copies.Wait()
	switch exit := p.Exit(); {
	case exit.Err != nil:
		return exit.Err
	case exit.Signal != 0:
		return fmt.Errorf("killed by signal: %v", exit.Signal)
	case exit.Code != 0:
		return fmt.Errorf("exit status %d", exit.Code)
	}
	return both.err
}

// serial lets two streams write to one file, up to a bound.
type serial struct {
	mu   sync.Mutex
	to   io.Writer
	size int
	err  error
}

func (s *serial) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size += len(p); s.size > maxCommandOutput || s.err != nil {
		return len(p), nil // read on, or the command would wait
	}
	_, err := s.to.Write(p)
	s.err = errors.Join(s.err, err)
	return len(p), nil
}
