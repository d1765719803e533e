package process

import (
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// supervisorSocket is the descriptor of a supervisor's end of the socket.
const supervisorSocket = 3

// endLimit bounds the supervisor's own attempts at the end of the run. It lies below
// what is promised, 2 s.
const endLimit = 1500 * time.Millisecond

// ward is one agent, seen by the supervisor.
type ward struct {
	id     int
	init   stat
	cg     cgroup
	orders *os.File // the agent is not reaped before this is closed
	told   bool     // the coordinator knows that it started, or did not
	ended  bool     // its init told how
	reaped bool
	silent bool // nothing more comes from its init
	end    exited
}

// supervisor is the state of the supervisor process. One goroutine owns it.
type supervisor struct {
	link   *link
	means  Means
	null   *os.File
	wards  map[int]*ward // by id
	inits  map[int]*ward // by pid of the init, not yet reaped
	events chan func()   // run by the owner
}

// runSupervisor is the whole life of a supervisor; args are the forced means, and for
// the guarded one what was chosen.
func runSupervisor(args []string) int {
	runtime.LockOSThread() // inits die with this thread, which ends with the process
	child := make(chan os.Signal, 1)
	signal.Notify(child, syscall.SIGCHLD)
	harden()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Fprintln(os.Stderr, "becoming a subreaper:", err)
		return 1
	}
	if len(args) == 4 && args[0] == "guarded" {
		return supervise(Means{Kill: Mean(args[1]), Freeze: Mean(args[2]), CgroupRoot: args[3]}, child)
	}
	return runOuter(args, child)
}

// runOuter probes, and then supervises by itself or guards the one who does.
func runOuter(args []string, child chan os.Signal) int {
	var force Means
	if len(args) == 2 {
		force = Means{Kill: Mean(args[0]), Freeze: Mean(args[1])}
	}
	f := probe()
	m, err := f.choose(force)
	if err != nil || m.CgroupRoot == "" {
		cgroup{f.root}.remove()
	}
	defer cgroup{m.CgroupRoot}.remove()
	if err := sayHello(m, err); err != nil {
		fmt.Fprintln(os.Stderr, "supervisor:", err)
		return 1
	}
	if m.Kill == PIDNamespace {
		return supervise(m, child)
	}
	return guard(m)
}

// sayHello is the first message. It goes out before the guarded supervisor starts, so
// that the socket has one writer at any time.
func sayHello(m Means, failed error) error {
	fd, err := unix.FcntlInt(supervisorSocket, unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	l, err := newLink(os.NewFile(uintptr(fd), "socket"))
	if err != nil {
		return err
	}
	defer l.conn.Close()
	h := &hello{Means: m}
	if failed != nil {
		h.Err = failed.Error()
	}
	return errors.Join(failed, l.send(notice{Hello: h}))
}

// guard starts the supervisor as a child and outlives it: what its sudden death
// orphans comes here and is swept.
func guard(m Means) int {
	pid, err := syscall.ForkExec(selfExe, []string{selfExe, superviseCommand, "guarded", string(m.Kill), string(m.Freeze), m.CgroupRoot},
		&syscall.ProcAttr{Env: ownEnv(), Files: []uintptr{0, 1, 2, supervisorSocket}, Sys: &syscall.SysProcAttr{Setsid: true}})
	if err != nil {
		fmt.Fprintln(os.Stderr, "supervisor:", err)
		return 1
	}
	syscall.Close(supervisorSocket) // its end must be seen when the supervisor is gone
	status := reapUntil(pid)
	if c := (cgroup{m.CgroupRoot}); !c.none() {
		c.kill()
	}
	left := sweepChildren(func(int) bool { return false }, func(int, syscall.WaitStatus) {}, endLimit)
	if len(left) > 0 {
		fmt.Fprintln(os.Stderr, "not to be killed:", left)
		return 3
	}
	return status.ExitStatus()
}

func supervise(m Means, child chan os.Signal) int {
	l, err := newLink(os.NewFile(supervisorSocket, "socket"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "supervisor:", err)
		return 1
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, "supervisor:", err)
		return 1
	}
	s := &supervisor{link: l, means: m, null: null, wards: map[int]*ward{}, inits: map[int]*ward{}, events: make(chan func())}
	eof := make(chan struct{})
	go s.read(eof)
	for {
		select {
		case f := <-s.events:
			f()
		case <-child:
			s.reap()
		case <-eof:
			return s.end(child)
		}
	}
}

// read passes requests on until the socket's end: the coordinator closed it, or is gone.
func (s *supervisor) read(eof chan<- struct{}) {
	defer close(eof)
	for {
		var r request
		files, err := s.link.receive(&r)
		if err != nil {
			return
		}
		s.events <- func() { s.handle(r, files) }
	}
}

func (s *supervisor) handle(r request, files []*os.File) {
	defer closeAll(files)
	if r.Kill != 0 {
		if w := s.wards[r.Kill]; w != nil {
			s.kill(w)
		}
		return
	}
	w := &ward{id: r.ID, told: true, end: exited{ID: r.ID}}
	if err := s.start(w, r.Spec, files); err != nil {
		w.cg.remove()
		s.link.send(notice{Started: &started{ID: w.id, Err: err.Error()}})
	}
}

// start starts the init and leaves the rest to what it reports.
func (s *supervisor) start(w *ward, spec Spec, stdio []*os.File) error {
	if len(stdio) != 3 {
		return fmt.Errorf("%d descriptors came with the request, not 3", len(stdio))
	}
	attr := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	o := order{Spec: spec, Own: s.means.Kill == PIDNamespace, Mount: s.means.PrivateProc}
	if o.Own {
		attr.Cloneflags |= syscall.CLONE_NEWPID
	}
	if o.Mount {
		attr.Cloneflags |= syscall.CLONE_NEWNS
	}
	if s.means.CgroupRoot != "" {
		w.cg = cgroup{s.means.CgroupRoot}.child(strconv.Itoa(w.id))
		if err := w.cg.makeWard(); err != nil {
			return err
		}
		dirs, err := openAll(w.cg.dir, w.cg.inner().dir)
		if err != nil {
			return err
		}
		defer closeAll(dirs)
		attr.UseCgroupFD, attr.CgroupFD = true, int(dirs[0].Fd())
		o.Cgroup, stdio = true, append(slices.Clip(stdio), dirs[1])
	}
	return s.fork(w, o, attr, stdio)
}

func openAll(names ...string) ([]*os.File, error) {
	var files []*os.File
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			closeAll(files)
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// fork starts the init with a pipe for orders and a socket for its reports. The files
// become its descriptors from initStdio on.
func (s *supervisor) fork(w *ward, o order, attr *syscall.SysProcAttr, files []*os.File) error {
	ordersR, ordersW, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ordersR.Close()
	reports, theirs, err := socketPair()
	if err != nil {
		ordersW.Close()
		return err
	}
	defer theirs.Close()
	fds := []uintptr{s.null.Fd(), s.null.Fd(), 2, ordersR.Fd(), theirs.Fd()}
	for _, f := range files {
		fds = append(fds, f.Fd())
	}
	pid, err := syscall.ForkExec(selfExe, []string{initCommand, initCommand}, &syscall.ProcAttr{Env: ownEnv(), Files: fds, Sys: attr})
	if err != nil {
		ordersW.Close()
		reports.conn.Close()
		return fmt.Errorf("starting its init: %w", err)
	}
	w.orders, w.told = ordersW, false
	w.init, _ = readStat(pid)
	s.wards[w.id], s.inits[pid] = w, w
	go gob.NewEncoder(ordersW).Encode(o) // ends with the pipe: the init reads it, or is gone
	go s.follow(w, reports)
	return nil
}

// follow passes an init's reports on until it has no more.
func (s *supervisor) follow(w *ward, from *link) {
	defer from.conn.Close()
	for {
		var r report
		files, err := from.receive(&r)
		if err != nil {
			s.events <- func() { w.silent = true; s.settle(w) }
			return
		}
		s.events <- func() { s.reported(w, r, files) }
	}
}

func (s *supervisor) reported(w *ward, r report, files []*os.File) {
	defer closeAll(files)
	if r.Ended {
		w.ended, w.end.Code, w.end.Signal = true, r.Code, r.Signal
		return
	}
	st := &started{ID: w.id, Err: r.Err, Init: w.init.pid, InitStart: w.init.start}
	if !w.cg.none() {
		st.CgroupFiles = w.cg.inner().dir
	}
	if r.Err == "" {
		if pid, ok := hostPID(w.init.pid, r.PID); ok {
			agent, _ := readStat(pid)
			st.PID, st.Start = pid, agent.start
		}
	}
	w.told = true
	s.link.send(notice{Started: st}, files...)
	w.orders.Close()
}

// kill kills a tree whose init has not been reaped, so that its pid is still its own.
// What it leaves is swept when the init is reaped.
func (s *supervisor) kill(w *ward) {
	if w.reaped {
		return
	}
	if !w.cg.none() {
		w.cg.kill()
	}
	syscall.Kill(w.init.pid, syscall.SIGKILL)
}

func (s *supervisor) reap() { reapAll(s.reaped) }

func (s *supervisor) reaped(pid int, status syscall.WaitStatus) {
	w := s.inits[pid]
	if w == nil {
		return // a stray
	}
	delete(s.inits, pid)
	w.reaped = true
	if !w.ended { // the agent's end came with its init's, unless its report is still under way
		w.end.Code, w.end.Signal = status.ExitStatus(), signalOf(status)
	}
	// Not from here: this may be inside of a sweep.
	go func() { s.events <- func() { s.settle(w) } }()
}

// settle sweeps what an init left, and tells that the agent has ended: once, when the
// init is reaped and all it said is heard.
func (s *supervisor) settle(w *ward) {
	if !w.reaped || !w.silent || s.wards[w.id] == nil {
		return
	}
	delete(s.wards, w.id)
	w.orders.Close()
	w.end.Survivors = s.clear(w.cg)
	w.cg.remove()
	if !w.told {
		s.link.send(notice{Started: &started{ID: w.id, Err: "its init died before the agent started; see the log"}})
		return
	}
	s.link.send(notice{Exited: &w.end})
}

// clear makes sure that nothing is left of a tree. A PID namespace whose init is reaped
// is empty.
func (s *supervisor) clear(c cgroup) []int {
	if !c.none() {
		c.kill()
	}
	if s.means.Kill == PIDNamespace {
		return nil
	}
	return sweepChildren(s.isInit, s.reaped, endLimit)
}

func (s *supervisor) isInit(pid int) bool { return s.inits[pid] != nil }

// end kills everything, verifies it, says so if somebody listens, and returns the exit
// code.
func (s *supervisor) end(child <-chan os.Signal) int {
	if s.means.CgroupRoot != "" {
		cgroup{s.means.CgroupRoot}.kill()
	}
	for _, w := range s.wards {
		s.kill(w)
	}
	s.drain(child)
	left := sweepChildren(func(int) bool { return false }, s.reaped, endLimit)
	for _, w := range s.wards {
		w.cg.remove()
	}
	cgroup{s.means.CgroupRoot}.remove()
	s.link.send(notice{Bye: &bye{Survivors: left}})
	s.link.conn.Close()
	if len(left) > 0 {
		fmt.Fprintln(os.Stderr, "not to be killed:", left)
		return 3
	}
	return 0
}

// drain lets agents' last reports go out, for a coordinator that waits for them.
func (s *supervisor) drain(child <-chan os.Signal) {
	late := time.NewTimer(endLimit)
	defer late.Stop()
	for s.reap(); len(s.wards) > 0; {
		select {
		case f := <-s.events:
			f()
		case <-child:
			s.reap()
		case <-late.C:
			return
		}
	}
}
