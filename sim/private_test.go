package sim_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// V5: a rejection says nothing about files that its receiver may not read: neither who
// wrote them, nor what they are called, nor what is in them.
func TestRejectionsKeepSecrets(t *testing.T) {
	for name, c := range map[string]struct{ theirs, ours string }{
		"same path":    {"secret/plan", "secret/plan"},
		"folder above": {"board/x/secret/canary", "board/x"},
		"file below":   {"secret/canary", "secret/canary/mine"},
	} {
		s := seats("author", "blind")
		s[1].Read = tree.Globs{"!secret/**", "!board/x/secret/**", "**"}
		blobs := tree.NewMemory()
		var told []string
		mustPlay(t, &sim.Config{Seats: s, MaxTurns: 2, Blobs: blobs, Serial: true,
			Phases: []sim.Phase{{Name: "p", Order: sim.Sequential}},
			Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
				switch {
				case ask.Turn == 2:
					if ask.Seat.Name == "blind" {
						told = ask.Notices
					}
					return sim.Answer{Pass: true}
				case ask.Seat.Name == "author":
					return writer(blobs, ask, c.theirs, "canary")
				}
				return writer(blobs, ask, c.ours, "mine")
			})})
		if len(told) != 1 || !strings.Contains(told[0], fmt.Sprintf("%q", c.ours)) {
			t.Errorf("%s: the loser was told %q", name, told)
		}
		text := strings.ReplaceAll(strings.Join(told, "\n"), c.ours, "")
		for _, secret := range []string{"author", "canary", "added"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: %q gives %q away", name, told, secret)
			}
		}
	}
}

// A write outside the seat's paths is refused in the same words whether or not there is
// such a file.
func TestForbiddenWritesDoNotProbe(t *testing.T) {
	text := func(exists bool) string {
		s := seats("a")
		s[0].Read, s[0].Write = tree.Globs{"!hidden/**", "**"}, tree.Globs{"!hidden/**", "**"}
		blobs := tree.NewMemory()
		head := (*tree.Tree)(nil)
		if exists {
			hash, _ := blobs.Put([]byte("x"))
			head, _ = head.With(map[string]tree.Entry{"hidden/x": {Kind: tree.File, Hash: hash, Size: 1}})
		}
		res, _ := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Blobs: blobs, Tree: head, Phases: []sim.Phase{{Name: "p"}},
			Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer { return writer(blobs, ask, "hidden/x", "mine") })})
		return fmt.Sprint(res.Failures)
	}
	if there, absent := text(true), text(false); there != absent || !strings.Contains(there, `ILLEGAL you may not write "hidden/x"`) {
		t.Errorf("%s\n%s", there, absent)
	}
}

// Who holds a role is not to be found out by writing to it, and the living of the own
// role are reached; a recipient that dies in the stage is named to the sender.
func TestLettersKeepRoles(t *testing.T) {
	s := seats("wolf-1", "wolf-2", "seer", "farmer")
	s[0].Role, s[1].Role, s[2].Role, s[3].Role = "wolf", "wolf", "seer", "farmer"
	everybody := func(*sim.Scope) ([]string, error) { return []string{"wolf-1", "wolf-2", "seer", "farmer"}, nil }
	checks := map[string]string{}
	notices := map[string][]string{}
	_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 2, Serial: true,
		World:  killer{victims: []string{"farmer"}},
		Phases: []sim.Phase{{Name: "vote", Mail: everybody, Canonical: sim.BySeat}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			notices[ask.Seat.Name] = append(notices[ask.Seat.Name], ask.Notices...)
			if ask.Turn == 2 {
				return sim.Answer{Pass: true}
			}
			for _, to := range []string{"role:wolf", "role:seer", "role:nobody", "farmer"} {
				if err := ask.CheckLetter(sim.Letter{To: to}); err != nil {
					checks[ask.Seat.Name+" "+to] = err.Error()
				}
			}
			switch ask.Seat.Name {
			case "wolf-1":
				return sim.Answer{Mail: []sim.Letter{{To: "role:wolf", Text: "tonight"}}}
			case "seer":
				return sim.Answer{Mail: []sim.Letter{{To: []any{"role:wolf", "role:nobody"}, Text: "hello"}, {To: []any{"farmer", "wolf-1"}, Text: "both"}}}
			}
			return sim.Answer{Pass: true}
		})})
	seer, nobody := checks["seer role:wolf"], checks["seer role:nobody"]
	if seer == "" || strings.ReplaceAll(seer, "wolf", "nobody") != nobody {
		t.Errorf("the seer can tell roles apart: %q, %q", seer, nobody)
	}
	if checks["wolf-1 role:wolf"] != "" || checks["seer farmer"] != "" {
		t.Errorf("refused: %v", checks)
	}
	var sent []string
	for _, d := range of[*sim.Revised](rec)[1].Mail {
		sent = append(sent, fmt.Sprint(d.Sender, " ", d.To, " ", d.Text, d.Returned != ""))
	}
	want := []string{"wolf-1 [wolf-2] tonightfalse", "seer [] hellotrue", "seer [wolf-1] bothfalse", "seer [] bothtrue"}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Error(diff)
	}
	if told := notices["seer"]; len(told) != 2 || !strings.Contains(told[1], "farmer") {
		t.Errorf("the seer was told %q", told)
	}
}

// Conformance check 13, canary: what one seat keeps in a private file never reaches
// another's view, prompt, observation, inbox or notices.
func TestCanary(t *testing.T) {
	const canary = "canary-71"
	s := seats("keeper", "other")
	s[1].Read, s[1].Write = tree.Globs{"!private/**", "**"}, tree.Globs{"!private/**", "**"}
	blobs := tree.NewMemory()
	mustPlay(t, &sim.Config{Seats: s, MaxTurns: 3, Blobs: blobs,
		Phases: []sim.Phase{{Name: "p", Prompt: func(sc *sim.AgentScope) (string, error) { return fmt.Sprint(*sc.Agent, sc.Inbox, sc.Notices), nil }}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			if ask.Seat.Name == "keeper" {
				ans := writer(blobs, ask, fmt.Sprint("private/", canary, ask.Turn), canary)
				ans.Memory = canary
				return ans
			}
			prompt, _ := ask.Prompt()
			seen, _ := ask.Observation()
			paths := maps.Collect(ask.View().All())
			if all := fmt.Sprint(prompt, seen, paths, ask.Memory); strings.Contains(all, canary) {
				t.Errorf("turn %d: %s", ask.Turn, all)
			}
			return sim.Answer{Writes: writer(blobs, ask, "public", fmt.Sprint(ask.Turn)).Writes}
		})})
}
