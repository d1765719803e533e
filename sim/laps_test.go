package sim_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
)

// A phase repeats its laps until its condition holds, which is tested after each stage and
// not only at a lap's end; passes are counted in a row, over laps, in this phase alone.
func TestUntil(t *testing.T) {
	s := seats("a", "b", "c")
	talks := map[string]bool{"a 1": true, "c 1": true, "b 2": true} // agent and lap
	var acted []string
	_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Serial: true,
		Phases: []sim.Phase{
			{Name: "silence", Order: sim.Sequential},
			{Name: "talk", Order: sim.Sequential,
				Repeat: func(*sim.Scope) (int, error) { return 5, nil },
				Until:  func(sc *sim.Scope) (bool, error) { return sc.Passes >= len(sc.Live), nil }},
			{Name: "after"}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			key := fmt.Sprint(ask.Seat.Name, " ", ask.Lap)
			if ask.Phase == "talk" {
				acted = append(acted, key)
				if talks[key] {
					return sim.Answer{Say: "well"}
				}
			}
			return sim.Answer{Pass: true}
		})})
	if diff := cmp.Diff([]string{"a 1", "b 1", "c 1", "a 2", "b 2", "c 2", "a 3", "b 3"}, acted); diff != "" {
		t.Error(diff)
	}
	if st := of[*sim.StageOpened](rec); st[len(st)-1].Phase != "after" || st[len(st)-1].Stage != 3+8+1 {
		t.Errorf("the last stage is %+v", st[len(st)-1])
	}
}

// P2: what an operator changes is a revision of its own by @intervention, before the phase
// that it names; agents see its effects in that phase and not who made them.
func TestInterventionIsARevision(t *testing.T) {
	s := seats("a")
	var seen []string
	_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Serial: true,
		World:  worldOf{},
		Phases: []sim.Phase{{Name: "p"}, {Name: "q"}},
		Events: []sim.Event{{Before: "q",
			Set:   func(*sim.Scope) (map[string]any, error) { return map[string]any{"rain": true}, nil },
			Write: func(*sim.Scope) (map[string]string, error) { return map[string]string{"news": "rain"}, nil },
			Mail:  func(*sim.Scope) ([]sim.Letter, error) { return []sim.Letter{{To: "a", Text: "take a coat"}}, nil }}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			_, there := ask.View().Get("news")
			seen = append(seen, fmt.Sprintf("%s %v %v %v", ask.Phase, there, ask.Inbox, ask.Notices))
			return sim.Answer{Pass: true}
		})})
	if diff := cmp.Diff([]string{"p false [] []", "q true [{1 @world take a coat}] []"}, seen); diff != "" {
		t.Error(diff)
	}
	var revs []string
	for _, r := range of[*sim.Revised](rec) {
		revs = append(revs, fmt.Sprint(r.Revision, " ", r.Author, " ", r.State))
	}
	if diff := cmp.Diff([]string{"0 @setup map[]", "1  map[]", "2 @intervention map[rain:true]", "3  map[rain:true]"}, revs); diff != "" {
		t.Error(diff)
	}
}
