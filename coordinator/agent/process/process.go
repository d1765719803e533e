package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is one agent's process tree. It is safe for concurrent use; the streams are
// used by whoever drives the agent.
type Process struct {
	// Stdin, Stdout and Stderr are our ends of the pipes; deadlines may be set on them.
	// Whoever uses them closes them, at the latest [Supervisor.Close] does.
	Stdin, Stdout, Stderr *os.File

	sup  *Supervisor
	id   int
	spec Spec

	started chan struct{} // the supervisor has told, one way or the other
	done    chan struct{}
	// Written before started or done is closed, read after.
	start  started
	agent  *os.Process // a handle that no reuse of the pid can redirect; nil if it had ended already
	ctl    *control    // of its cgroup; nil: it has none
	exit   Exit
	failed error

	hold sync.Mutex // one freeze, thaw or their like at a time
	// frozen, and whom a freezing sweep stopped, in that order; guarded by hold
	frozen  bool
	stopped []stat
}

// Spawn starts a program. It returns when the program is executing: a [*SpawnError] if
// that fails, an [ErrSupervisor] if the harness does.
func (s *Supervisor) Spawn(ctx context.Context, spec Spec) (*Process, error) {
	if err := spec.check(); err != nil {
		return nil, &SpawnError{spec.Name, spec.Argv, err.Error()}
	}
	p := &Process{sup: s, spec: spec, started: make(chan struct{}), done: make(chan struct{})}
	theirs, err := p.pipes()
	if err != nil {
		return nil, fmt.Errorf("pipes for %s: %w", spec.Name, err)
	}
	defer closeAll(theirs)
	if err := s.ask(p, theirs); err != nil {
		p.CloseStreams()
		return nil, err
	}
	select {
	case <-p.started:
	case <-ctx.Done():
		s.link.send(request{Kill: p.id})
		p.CloseStreams()
		return nil, fmt.Errorf("starting %s: %w", spec.Name, context.Cause(ctx))
	}
	if p.failed != nil {
		p.CloseStreams()
		return nil, p.failed
	}
	return p, nil
}

// ask registers p and sends the request.
func (s *Supervisor) ask(p *Process, theirs []*os.File) error {
	s.mu.Lock()
	switch {
	case s.ending:
		s.mu.Unlock()
		return ErrClosed
	case s.err != nil:
		s.mu.Unlock()
		return s.err
	}
	p.id, s.next = s.next, s.next+1
	s.procs[p.id] = p
	s.mu.Unlock()
	if err := s.link.send(request{ID: p.id, Spec: p.spec}, theirs...); err != nil {
		s.mu.Lock()
		delete(s.procs, p.id)
		s.mu.Unlock()
		return fmt.Errorf("%w: %w", ErrSupervisor, err)
	}
	return nil
}

// pipes makes the three pipes: our ends wait in the poller, theirs block, as programs
// expect of their standard streams.
func (p *Process) pipes() (theirs []*os.File, err error) {
	for _, end := range []struct {
		ours **os.File
		name string
		mine int // index of our end: 0 reads, 1 writes
	}{{&p.Stdin, "stdin", 1}, {&p.Stdout, "stdout", 0}, {&p.Stderr, "stderr", 0}} {
		var fds [2]int
		if err = unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			p.CloseStreams()
			closeAll(theirs)
			return nil, err
		}
		unix.SetNonblock(fds[end.mine], true)
		*end.ours = os.NewFile(uintptr(fds[end.mine]), p.spec.Name+" "+end.name)
		theirs = append(theirs, os.NewFile(uintptr(fds[1-end.mine]), end.name))
	}
	return theirs, nil
}

// onStarted, onExited and onOrphaned are called with the supervisor's mutex held.
func (p *Process) onStarted(st started, files []*os.File) {
	if st.Err != "" {
		p.failed = &SpawnError{p.spec.Name, p.spec.Argv, st.Err}
		delete(p.sup.procs, p.id)
	} else if st.CgroupFiles != "" {
		p.ctl = openControl(cgroup{st.CgroupFiles}, files)
	}
	p.start = st
	if st.PID != 0 {
		// If the start time still fits after the handle was opened, the handle is of
		// the right process, whatever becomes of the pid.
		h, err := os.FindProcess(st.PID)
		if now, ok := readStat(st.PID); err == nil && ok && now.start == st.Start {
			p.agent = h
		} else if err == nil {
			h.Release()
		}
	}
	close(p.started)
}

func (p *Process) onExited(e exited) {
	p.exit = Exit{Code: e.Code, Signal: syscall.Signal(e.Signal)}
	if len(e.Survivors) > 0 {
		p.exit.Err = &SurvivorsError{p.spec.Name, e.Survivors, "killed"}
	}
	p.finish()
}

// onOrphaned ends p after the supervisor's death, and returns who could not be killed.
func (p *Process) onOrphaned(err error) []int {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err == nil {
		err = ErrClosed
	}
	var left []int
	select {
	case <-p.started:
		left = p.awaitOrphans()
	default:
		p.failed = err
		close(p.started)
	}
	p.exit = Exit{Code: -1, Err: err}
	p.finish()
	return left
}

// awaitOrphans waits for a tree to die whose supervisor is dead: its init got SIGKILL by
// that, and the agent by the init's death.
func (p *Process) awaitOrphans() []int {
	ctx, cancel := context.WithTimeout(context.Background(), endLimit)
	defer cancel()
	all := []stat{{pid: p.start.Init, start: p.start.InitStart}, {pid: p.start.PID, start: p.start.Start}}
	for {
		var left []int
		for _, s := range all {
			if s.pid != 0 && s.same() {
				left = append(left, s.pid)
				syscall.Kill(s.pid, syscall.SIGKILL)
			}
		}
		if len(left) == 0 || pause(ctx, time.Millisecond) != nil {
			return left
		}
	}
}

func (p *Process) finish() {
	if p.agent != nil {
		p.agent.Release()
	}
	if p.ctl != nil {
		p.ctl.close()
	}
	close(p.done)
}

// PID is the agent's own process as the coordinator sees it; 0 if it ended before that
// could be told.
func (p *Process) PID() int { return p.start.PID }

// Name is the agent's.
func (p *Process) Name() string { return p.spec.Name }

// Done is closed when the agent's process has ended and nothing is left of its tree, or
// when [Exit.Err] says why that is not so.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit tells how the agent's own process ended. It waits for [Process.Done].
func (p *Process) Exit() Exit {
	<-p.done
	return p.exit
}

// Interrupt sends SIGINT to the agent's own process and to nobody else. An agent that
// has ended is no error.
func (p *Process) Interrupt() error {
	if p.agent == nil {
		return nil
	}
	err := p.agent.Signal(syscall.SIGINT)
	if errors.Is(err, os.ErrProcessDone) || p.ended() {
		return nil
	}
	return err
}

// Stop interrupts the agent, thawed if need be, waits for grace, and kills what is left
// then. It is an error only if that fails.
func (p *Process) Stop(ctx context.Context, grace time.Duration) error {
	p.Thaw() // a frozen process hears nothing; the kill does not depend on it
	p.Interrupt()
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-p.done:
		return p.exit.Err
	case <-t.C:
	case <-ctx.Done():
	}
	return p.Kill(context.WithoutCancel(ctx))
}

// Kill kills the whole tree, frozen or not, and returns when it is verified that nothing
// is left. It returns a [*SurvivorsError] if ctx or 5 s pass before.
func (p *Process) Kill(ctx context.Context) error {
	select {
	case <-p.done:
		return p.exit.Err
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, endGrace)
	defer cancel()
	p.sup.wake()
	p.sup.link.send(request{Kill: p.id}) // a failure means that the supervisor is gone: done follows
	select {
	case <-p.done:
		return p.exit.Err
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), &SurvivorsError{p.spec.Name, p.Alive(), "killed"})
	}
}

// Alive lists the living processes of the tree, the agent's own among them.
func (p *Process) Alive() []int {
	select {
	case <-p.done:
		var s *SurvivorsError
		if errors.As(p.exit.Err, &s) {
			return s.PIDs
		}
		return nil
	default:
		return pidsOf(readTable().descendants(p.start.Init))
	}
}

// CloseStreams closes our ends of the pipes. It may be called more than once.
func (p *Process) CloseStreams() { closeAll([]*os.File{p.Stdin, p.Stdout, p.Stderr}) }
