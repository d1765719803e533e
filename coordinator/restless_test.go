package coordinator

import (
	"context"
	"errors"
	"testing"

	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/results"
)

// failsToFreeze makes every freeze of an agent fail.
func failsToFreeze(agent string, err error) func(*Options) {
	return func(o *Options) {
		o.opened = func(r *run) {
			r.seats[agent].freeze = func(context.Context, *process.Process) error { return err }
		}
	}
}

// An agent whose processes cannot be held still costs its own moves and nobody else's,
// and nothing of it is left (promise 5).
func TestRestless(t *testing.T) {
	t.Parallel()
	moves := func(o *Options) {
		o.opened = func(r *run) {
			never := &process.SurvivorsError{Name: "writer", PIDs: []int{1}, Want: "frozen"}
			started := false
			r.seats["writer"].freeze = func(ctx context.Context, p *process.Process) error {
				if !started {
					started = true
					return p.Freeze(ctx)
				}
				return never
			}
		}
	}
	p := completed(t, programs(t, "", "good", "writer"), setup{sets: []string{"players.p.limits.act=20s"}, change: moves})
	checkFailures(t, p, "writer 1.1.1 CRASH", "writer 2.1.1 CRASH")
	checkGood(t, p)
	if n := len(p.events(t, "start", "writer")); n != 2 {
		t.Errorf("it was started %d times", n)
	}
	never := failsToFreeze("writer", context.DeadlineExceeded)
	p = completed(t, programs(t, "", "good", "writer"), setup{sets: []string{"players.p.limits.act=20s"}, change: never})
	checkFailures(t, p, "writer 1.1.1 CRASH", "writer 2.1.1 CRASH")
	checkGood(t, p)
}

// That the means of freezing do not work is the harness's failure.
func TestFreezeBroken(t *testing.T) {
	t.Parallel()
	broken := errors.New("cgroup.freeze: input/output error")
	p := play(t, programs(t, "", "good", "writer"), setup{change: failsToFreeze("writer", broken)})
	if !errors.Is(p.err, broken) || p.info.Status != results.HarnessFailed {
		t.Errorf("%s, %v", p.info.Status, p.err)
	}
}
