package coordinator

import (
	"testing"

	"github.com/sandtable/sandtable/results"
)

// The published tournament: Cooperator, Defector, Grudger, GoByMajority and TitForTat,
// 200 rounds, every pair once; and the four of the textbook at 10 rounds.
const (
	fiveAt200 = `{"player-1":1800,"player-2":1612,"player-3":1999,"player-4":1999,"player-5":1999}`
	fourAt10  = `{"player-1":60,"player-2":69,"player-3":78,"player-4":69}`
)

var four = []string{"turns=10", "players=[Cooperator, TitForTat, Defector, Grudger]"}

// The same matches in memory, on disk and by programs have the published scores; the
// history in memory is that on disk.
func TestAxelrod(t *testing.T) {
	for _, c := range []struct {
		name, want string
		sets       []string
	}{{"five", fiveAt200, []string{"files=false"}}, {"four", fourAt10, four}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ep := inMemory(t, axelrod, c.sets...)
			if got := marshal(t, ep.Scores); got != c.want {
				t.Errorf("in memory: %s", got)
			}
			p := completed(t, axelrod, setup{sets: c.sets})
			if got := p.scores(t); got != c.want {
				t.Errorf("on disk: %s", got)
			}
			if p.info.History != ep.History || ep.History == "" {
				t.Errorf("the history is %s in memory and %s on disk", ep.History, p.info.History)
			}
			if got := p.outcome(t, "missing"); got != "0" {
				t.Errorf("%s moves are missing", got)
			}
		})
	}
}

// The strategies as processes of their own: 1,000 acts. The short form has 40.
func TestAxelrodPrograms(t *testing.T) {
	t.Parallel()
	python(t)
	sets, want := []string{"runtime=program", "files=false"}, fiveAt200
	if testing.Short() {
		sets, want = append(sets, four...), fourAt10
	}
	p := completed(t, axelrod, setup{sets: sets, change: func(o *Options) { o.NoSync = true }})
	if got := p.scores(t); got != want {
		t.Error(got)
	}
	if got := p.outcome(t, "missing"); got != "0" {
		t.Errorf("%s moves are missing", got)
	}
}

func inMemory(t *testing.T, folder string, sets ...string) results.Episode {
	t.Helper()
	plan, err := setup{sets: sets}.plan(folder)
	if err != nil {
		t.Fatal(err)
	}
	ep, err := NewMemory(plan).Play(t.Context(), plan.Runs[0])
	if err != nil {
		t.Fatal(err)
	}
	return ep
}
