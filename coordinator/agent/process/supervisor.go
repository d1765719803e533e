package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
)

// startLimit bounds the start of the supervisor, probes included; endGrace is how long
// Close and Kill wait for it beyond what it allows itself.
const (
	startLimit = 30 * time.Second
	endGrace   = 5 * time.Second
)

// Options of a [Supervisor].
type Options struct {
	// Exe is the program to execute as supervisor, whose main calls [Main]; "": this one.
	Exe string
	Log hclog.Logger // nil: nowhere
	// Force names the means to kill and to freeze, for tests and for studies of the
	// means; empty ones are the strongest that work.
	Force Means
}

// Supervisor is the coordinator's side of a run's supervisor process. It is safe for
// concurrent use.
type Supervisor struct {
	means  Means
	log    hclog.Logger
	link   *link
	cmd    *exec.Cmd
	stderr *os.File
	wait   sync.WaitGroup
	done   chan struct{} // the process is gone and all it owned is settled

	mu     sync.Mutex
	next   int
	procs  map[int]*Process
	ending bool // Close was called: its end is no failure
	bye    *bye
	err    error // why it is gone
}

// Start starts a supervisor and waits until it has probed. ctx bounds the start, not the
// supervisor's life: end that with [Supervisor.Close].
func Start(ctx context.Context, o Options) (*Supervisor, error) {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.Exe == "" {
		o.Exe = selfExe
	}
	s := &Supervisor{log: o.Log, next: 1, procs: map[int]*Process{}, done: make(chan struct{})}
	if err := s.launch(o); err != nil {
		return nil, fmt.Errorf("%w: starting %s: %w", ErrSupervisor, o.Exe, err)
	}
	if err := s.greet(ctx); err != nil {
		s.link.conn.Close()
		s.cmd.Process.Kill()
		s.reapSupervisor()
		s.wait.Wait()
		return nil, fmt.Errorf("%w: %w", ErrSupervisor, err)
	}
	s.wait.Add(1)
	go s.run()
	return s, nil
}

// launch executes the supervisor with its end of a socket as descriptor 3.
func (s *Supervisor) launch(o Options) error {
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	s.link = ours
	s.cmd = exec.Command(o.Exe, superviseCommand, string(o.Force.Kill), string(o.Force.Freeze))
	s.cmd.Env, s.cmd.Dir = ownEnv(), "/"
	s.cmd.ExtraFiles = []*os.File{theirs}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // out of the terminal's reach
	stderr, err := s.start()
	if err != nil {
		s.link.conn.Close()
		return err
	}
	s.stderr = stderr
	s.wait.Add(1)
	go s.relay(stderr)
	return nil
}

// start starts the process, with a pipe as its stderr. It is not the Cmd's own pipe:
// that would be closed before its last line is read.
func (s *Supervisor) start() (stderr *os.File, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	s.cmd.Stderr = w
	if err := s.cmd.Start(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// relay logs what the supervisor and its inits print: it has the whole supervisor tree's
// lifetime, because they share the pipe.
func (s *Supervisor) relay(r io.ReadCloser) {
	defer s.wait.Done()
	defer r.Close()
	for in := bufio.NewReaderSize(r, 4096); ; {
		line, _, err := in.ReadLine()
		if err != nil {
			return
		}
		s.log.Warn("supervisor", "says", string(line))
	}
}

// greet waits for the first message.
func (s *Supervisor) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { s.link.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var n notice
	_, err := s.link.receive(&n)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("it did not answer: %w", context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("it did not answer (%w): the program must call process.Main before anything else", err)
	case n.Hello == nil:
		return errors.New("its first message is no greeting")
	case n.Hello.Err != "":
		return errors.New(n.Hello.Err)
	}
	s.means = n.Hello.Means
	s.log.Debug("processes", "means", s.means.String(), "supervisor", s.cmd.Process.Pid)
	return nil
}

// Means returns what was found to work.
func (s *Supervisor) Means() Means { return s.means }

// PID is the supervisor process's.
func (s *Supervisor) PID() int { return s.cmd.Process.Pid }

// Done is closed when the supervisor process is gone, asked to or not.
func (s *Supervisor) Done() <-chan struct{} { return s.done }

// run receives until the socket's end, then settles what the supervisor cannot.
func (s *Supervisor) run() {
	defer s.wait.Done()
	for {
		var n notice
		files, err := s.link.receive(&n)
		if err != nil {
			break
		}
		s.notice(n, files)
	}
	s.link.conn.Close() // one that merely closed its end is told that it is over
	err := s.reapSupervisor()
	s.settle(err)
	close(s.done)
}

// reapSupervisor waits for the process, and kills it if it does not end by itself: first
// what it guards, if it does, so that it sweeps what that leaves.
func (s *Supervisor) reapSupervisor() error {
	limit := endGrace
	if s.guarded() {
		limit += endGrace
		inner := time.AfterFunc(endGrace, func() { s.signalGuarded(syscall.SIGKILL) })
		defer inner.Stop()
	}
	late := time.AfterFunc(limit, func() { s.cmd.Process.Kill() })
	defer late.Stop()
	err := s.cmd.Wait()
	s.stderr.SetReadDeadline(time.Now().Add(time.Second)) // somebody unkillable may hold it
	return err
}

// guarded tells whether the process is a guard. Then there is no PID namespace either that
// would keep agents from sending signals to it and to what it guards.
func (s *Supervisor) guarded() bool { return s.means.Kill != "" && s.means.Kill != PIDNamespace }

// signalGuarded sends a signal to the guard's children: the supervisor proper.
func (s *Supervisor) signalGuarded(sig syscall.Signal) {
	for _, kid := range readTable().children(s.PID()) {
		syscall.Kill(kid.pid, sig)
	}
}

// wake lets a supervisor go on that an agent has stopped.
func (s *Supervisor) wake() {
	if s.guarded() {
		s.cmd.Process.Signal(syscall.SIGCONT)
		s.signalGuarded(syscall.SIGCONT)
	}
}

func (s *Supervisor) notice(n notice, files []*os.File) {
	defer closeAll(files)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case n.Started != nil:
		if p := s.procs[n.Started.ID]; p != nil {
			p.onStarted(*n.Started, files)
		}
	case n.Exited != nil:
		if p := s.procs[n.Exited.ID]; p != nil {
			p.onExited(*n.Exited)
		}
	case n.Bye != nil:
		s.bye = n.Bye
	}
}

// settle is called when the supervisor is gone. If nobody asked it to go, its agents'
// deaths are the kernel's work, the guard's and, with a cgroup, ours.
func (s *Supervisor) settle(exit error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if exit != nil || !s.ending {
		s.err = fmt.Errorf("%w: it ended unexpectedly (%v)", ErrSupervisor, exit)
		s.log.Error("supervisor ended unexpectedly", "exit", exit)
	}
	if s.bye != nil && len(s.bye.Survivors) > 0 {
		s.err = errors.Join(s.err, &SurvivorsError{"the run", s.bye.Survivors, "killed"})
	}
	root := cgroup{s.means.CgroupRoot}
	if !root.none() && s.err != nil {
		s.err = errors.Join(s.err, root.clear())
	}
	for _, p := range s.procs {
		if left := p.onOrphaned(s.err); len(left) > 0 {
			s.err = errors.Join(s.err, &SurvivorsError{p.spec.Name, left, "killed"})
		}
	}
	if err := root.remove(); err != nil {
		s.log.Warn("a cgroup stays behind", "error", err)
	}
}

// Close kills every agent, waits until the supervisor has verified that nothing is left,
// and closes the agents' pipes. It returns what went wrong since Start: an
// [ErrSupervisor], a [*SurvivorsError], or nil. Calling it again gives the same answer.
func (s *Supervisor) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.ending {
		s.ending = true
		s.link.conn.CloseWrite() // the supervisor reads the end and starts killing
	}
	s.mu.Unlock()
	s.wake()
	late := time.AfterFunc(endGrace, s.abandon)
	defer late.Stop()
	stop := context.AfterFunc(ctx, s.abandon)
	defer stop()
	s.wait.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.procs {
		p.CloseStreams()
	}
	return s.err
}

// abandon stops listening to a supervisor that hangs; it is then killed, and its agents
// die with it.
func (s *Supervisor) abandon() { s.link.conn.SetReadDeadline(time.Unix(1, 0)) }
