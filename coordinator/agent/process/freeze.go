package process

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"
)

// freezeLimit bounds a freeze whose context has no earlier deadline. An ordinary one
// takes less than a millisecond; this is for trees that do not want to be frozen.
const freezeLimit = 5 * time.Second

// Freeze stops the whole tree, and returns when nobody in it runs. A frozen tree stays
// frozen until [Process.Thaw]; freezing it again does nothing, and a tree that has ended
// is as frozen as can be. On an error the tree is thawed again.
func (p *Process) Freeze(ctx context.Context) error { return FreezeAll(ctx, []*Process{p}) }

// FreezeAll freezes several trees at once, for less than the sum: they come to rest at
// the same time. If one fails, all that were not frozen before are thawed again, and the
// error names it. A process may be named once only.
func FreezeAll(ctx context.Context, ps []*Process) error {
	ctx, cancel := context.WithTimeout(ctx, freezeLimit)
	defer cancel()
	var mine []*Process
	defer func() {
		for _, p := range ps {
			p.hold.Unlock()
		}
	}()
	for _, p := range inOrder(ps) {
		p.hold.Lock()
		if !p.frozen && !p.ended() {
			mine = append(mine, p)
		}
	}
	err := freezeHeld(ctx, mine)
	for _, p := range mine {
		if p.frozen = true; err != nil {
			err = errors.Join(err, p.thaw())
		}
	}
	return err
}

// inOrder sorts by supervisor process and id, so that two calls cannot wait for each
// other's locks.
func inOrder(ps []*Process) []*Process {
	return slices.SortedFunc(slices.Values(ps), func(a, b *Process) int {
		if d := a.sup.PID() - b.sup.PID(); d != 0 {
			return d
		}
		return a.id - b.id
	})
}

func freezeHeld(ctx context.Context, ps []*Process) error {
	var sweeps []*Process
	var errs []error
	for _, p := range ps {
		if p.sup.means.Freeze != Cgroup {
			sweeps = append(sweeps, p)
		} else if err := p.ctl.freeze(true); err != nil {
			errs = append(errs, p.unlessEnded(err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, p := range ps {
		if p.sup.means.Freeze == Cgroup {
			errs = append(errs, p.unlessEnded(p.awaitFrozen(ctx)))
		}
	}
	return errors.Join(append(errs, stopAll(ctx, sweeps))...)
}

// unlessEnded drops errors about a tree that has ended meanwhile: with it go its cgroup
// and its processes. The end is told a little later than it happens.
func (p *Process) unlessEnded(err error) error {
	if err == nil || p.ended() {
		return nil
	}
	t := time.NewTimer(100 * time.Millisecond)
	defer t.Stop()
	select {
	case <-p.done:
		return nil
	case <-t.C:
		return err
	}
}

func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// awaitFrozen waits until the cgroup is frozen and brings back who left it: members of
// the tree that the cgroup does not list. Being frozen, it can lose nobody any more.
func (p *Process) awaitFrozen(ctx context.Context) error {
	var before []stat
	for {
		if err := p.ctl.awaitFrozen(ctx); err != nil {
			return err
		}
		out, dead, err := p.escaped()
		if err != nil || len(out) == 0 && complete(before, dead) {
			return err
		}
		before = dead
		p.adopt(out)
		if err := pause(ctx, 50*time.Microsecond); err != nil {
			return errors.Join(err, &SurvivorsError{p.spec.Name, pidsOf(out), "frozen"})
		}
	}
}

// adopt brings processes back. Who is gone already, or comes not, is no matter: the next
// pass looks again.
func (p *Process) adopt(out []stat) {
	if len(out) > 0 {
		p.sup.log.Warn("processes had left their cgroup", "agent", p.spec.Name, "pids", pidsOf(out))
	}
	for _, s := range out {
		p.ctl.adopt(s.pid)
	}
}

// escaped lists those of the tree who are not in its cgroup, and the dead seen on the way.
// It walks the tree only if the cgroup and the PID namespace do not say that all is as it
// was after an earlier walk.
func (p *Process) escaped() (out, dead []stat, err error) {
	members, same, err := p.ctl.members()
	if err != nil || same {
		return nil, nil, err
	}
	inside := map[int]bool{}
	for _, pid := range parsePids(members) {
		inside[pid] = true
	}
	all, dead, err := p.tree(readTable())
	if err != nil {
		return nil, nil, err
	}
	out = slices.DeleteFunc(slices.Clone(all), func(s stat) bool { return inside[s.pid] })
	if len(out)+len(dead) == 0 && len(all) == len(inside) {
		p.ctl.remember(members)
	}
	return out, dead, nil
}

// sweepState is the work of stopping one tree.
type sweepState struct {
	p       *Process
	ours    map[int]stat // whom we stopped
	pending []int        // stopped by us, but not at rest yet
	dead    []stat       // seen by the last pass
	quiet   int          // passes in which nothing was new
}

// stopAll stops trees by signals until two passes in a row find nobody new and everybody
// at rest. The inits go on: they only reap.
func stopAll(ctx context.Context, ps []*Process) error {
	open := make([]*sweepState, len(ps))
	for i, p := range ps {
		p.stopped = nil
		open[i] = &sweepState{p: p, ours: map[int]stat{}}
	}
	for wait := 20 * time.Microsecond; len(open) > 0; wait = min(2*wait, 5*time.Millisecond) {
		t := readTable() // one pass for all
		for _, w := range open {
			if err := w.pass(t); err != nil {
				return err
			}
		}
		open = slices.DeleteFunc(open, func(w *sweepState) bool { return w.quiet >= 2 || w.p.ended() })
		if len(open) == 0 {
			return nil
		}
		if slices.ContainsFunc(open, func(w *sweepState) bool { return len(w.pending) > 0 }) {
			if err := pause(ctx, wait); err != nil {
				return errors.Join(err, &SurvivorsError{open[0].p.spec.Name, open[0].pending, "frozen"})
			}
		} else if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// pass stops whoever runs and was not stopped by us before.
func (w *sweepState) pass(t *table) error {
	all, dead, err := w.p.tree(t)
	if err != nil {
		return err
	}
	fresh := !complete(w.dead, dead)
	w.pending, w.dead = w.pending[:0], dead
	for _, s := range all {
		old, ok := w.ours[s.pid]
		switch {
		case ok && old.start == s.start:
			if !s.stopped() && !(s.state == 'D' && inVfork(s.pid)) {
				w.pending = append(w.pending, s.pid)
			}
		case !s.stopped(): // what others stopped before us is not ours to let go
			fresh = true
			syscall.Kill(s.pid, syscall.SIGSTOP)
			w.ours[s.pid] = s
			w.p.stopped = append(w.p.stopped, s)
		}
	}
	if init := (stat{pid: w.p.start.Init, start: w.p.start.InitStart}); len(all) == 0 && !init.same() {
		w.pending = append(w.pending, init.pid) // what it left is being killed: not at rest before all have ended
	}
	if w.quiet++; fresh || len(w.pending) > 0 {
		w.quiet = 0
	}
	return nil
}

// tree walks the tree below the init. Nobody found means something only if the init is to
// be seen: a /proc that is mounted with hidepid may hide it, and all below.
func (p *Process) tree(t *table) (alive, dead []stat, err error) {
	alive, dead = t.walk(p.start.Init)
	if len(alive) > 0 {
		return alive, dead, nil
	}
	if _, seen := readStat(p.start.Init); !seen && syscall.Kill(p.start.Init, 0) != syscall.ESRCH {
		err = fmt.Errorf("%s: its processes cannot be seen, for /proc does not show %d, their init: mount /proc without hidepid", p.spec.Name, p.start.Init)
	}
	return alive, dead, err
}

// Thaw lets a frozen tree go on; one that is not frozen is left alone.
func (p *Process) Thaw() error {
	p.hold.Lock()
	defer p.hold.Unlock()
	return p.thaw()
}

// ThawAll thaws several trees.
func ThawAll(ps []*Process) error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p.Thaw()
	}
	return errors.Join(errs...)
}

func (p *Process) thaw() error {
	if !p.frozen {
		return nil
	}
	p.frozen = false
	var err error
	if p.sup.means.Freeze == Cgroup {
		err = p.unlessEnded(p.ctl.freeze(false))
	}
	for _, s := range slices.Backward(p.stopped) {
		if s.same() {
			syscall.Kill(s.pid, syscall.SIGCONT)
		}
	}
	p.stopped = nil
	return err
}
