package coordinator

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/sandtable/sandtable/sim"
)

// arrivals are the rows of the intake as agent turn.stage.attempt and category, sorted.
func arrivals(t *testing.T, p *played) []string {
	t.Helper()
	var out []string
	for _, row := range rows[arrival](t, p.Intake()) {
		line := row.Agent + " " + askText(row)
		if row.Failure != nil {
			line += " " + string(row.Failure.Category)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

func askText(a arrival) string {
	digit := func(n int) string { return string(rune('0' + n)) }
	return digit(a.Turn) + "." + digit(a.Stage) + "." + digit(a.Attempt)
}

// Whoever resumes a run has to know every attempt's result, those too for which nobody
// was asked: an agent that did not start, and one whose budget is used up.
func TestEveryResultArrives(t *testing.T) {
	t.Parallel()
	sets := []string{"turns.max=3", "players.p.limits.act=20s", "players.p.limits.tokens=1500"}
	p := completed(t, programs(t, "", "exits", "spend"), setup{sets: sets})
	want := []string{
		"exits 1.1.1 CRASH", "exits 2.1.1 CRASH", "exits 3.1.1 CRASH", "spend 1.1.1", "spend 2.1.1", "spend 3.1.1 BUDGET",
	}
	if got := arrivals(t, p); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// interrupting is a driver during whose act the run is interrupted.
type interrupting struct {
	driver
	before, after func()
}

func (d interrupting) act(ctx context.Context, ask *sim.Ask, prompt string) sim.Answer {
	d.before()
	ans := d.driver.act(ctx, ask, prompt)
	d.after()
	return ans
}

// A move that is there when the run is interrupted is kept with its files; one that the
// interrupt cut off is no result, and nobody is asked any more.
func TestArrivalAtInterrupt(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{"before": nil, "after": {"good 1.1.1"}, "between": nil} {
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := func() { cancel(errors.New("somebody pressed a key")) }
		asked := 0
		d := interrupting{before: func() { asked++ }, after: func() {}}
		p := playIn(t, ctx, programs(t, "", "good"), setup{change: func(o *Options) {
			o.opened = func(r *run) {
				switch name {
				case "before":
					d.before = stop
				case "after":
					d.after = stop
				}
				d.driver = r.seats["good"].driver
				r.seats["good"].driver = d
			}
			if name == "between" {
				o.Watch = func(p Progress) {
					if p.Turn == 1 {
						stop()
					}
				}
			}
		}})
		if got := arrivals(t, p); !slices.Equal(got, want) {
			t.Errorf("interrupted %s: %v, want %v", name, got, want)
		}
		if name == "between" && asked > 0 {
			t.Error("an agent was asked after the interrupt")
		}
	}
}
