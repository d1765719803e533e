package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/results/history"
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

// What the intake holds of a good attempt is what the engine sealed of it: action, words,
// letters, memory and files; whoever resumes has nothing else.
func TestArrivalIsWhole(t *testing.T) {
	t.Parallel()
	python(t)
	folder := folderOf(t, strings.Replace(mixed, `    ctx.send("all"`, `    ctx.memory["n"] = turn
    ctx.send("all"`, 1))
	p := completed(t, folder, setup{})
	last := map[string]arrival{}
	timed := 0
	for _, row := range rows[arrival](t, p.Intake()) {
		last[fmt.Sprint(row.Agent, row.Turn, row.Stage)] = row
		if row.UsedNS > 0 {
			timed++
		}
	}
	if timed == 0 {
		t.Error("no row has a time: a bank could not be restored")
	}
	seen := map[string]int{}
	for _, s := range recordsOf[*history.Seal](t, p) {
		for _, r := range s.Results {
			row, ok := last[fmt.Sprint(r.Agent, s.Turn, s.Stage)]
			if !ok || r.Status != "committed" {
				t.Errorf("%s in %d.%d: %s, arrived: %t", r.Agent, s.Turn, s.Stage, r.Status, ok)
				continue
			}
			want := resultOf(r)
			if got := rowOf(row); marshal(t, got) != marshal(t, want) {
				t.Errorf("arrived %s\nsealed  %s", marshal(t, got), marshal(t, want))
			}
			for i, v := range want {
				if s := marshal(t, v); s != "null" && s != `""` && s != "[]" {
					seen[[]string{"action", "say", "memory", "mail", "writes"}[i]]++
				}
			}
		}
	}
	if len(seen) != 5 {
		t.Errorf("the scenario does not show all: %v", seen)
	}
}

func resultOf(r history.Result) []any {
	mail, writes := []string{}, []string{}
	for _, l := range r.Mail {
		mail = append(mail, l.Text)
	}
	for _, c := range r.Writes {
		writes = append(writes, c.Path+" "+string(c.New.Hash))
	}
	return []any{r.Action.V, r.Say, r.Memory.V, mail, writes}
}

func rowOf(a arrival) []any {
	mail, writes := []string{}, []string{}
	for _, l := range a.Mail {
		mail = append(mail, l.Text)
	}
	for _, c := range a.Writes {
		writes = append(writes, c.Path+" "+c.New.Hash.String())
	}
	return []any{a.Action, a.Say, a.Memory, mail, writes}
}
