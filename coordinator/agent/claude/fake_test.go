package claude_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sandtable/sandtable/coordinator/agent/claude"
	"github.com/sandtable/sandtable/sim"
)

type noForbidden struct{}

func (noForbidden) Allow(_ context.Context, _ string, input map[string]any, _ string) string {
	if input["command"] == "forbidden" {
		return "the gate says no"
	}
	return ""
}

// fakeOptions start the fake client in a mode.
func fakeOptions(t *testing.T, mode string) (claude.Options, *recorded) {
	t.Helper()
	o := options(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := &recorded{}
	o.Binary, o.Tools, o.Gate, o.Trace = exe, []string{"Read", "Bash"}, noForbidden{}, r.add
	o.Start = func(ctx context.Context, argv, env []string, dir string) (*claude.Process, error) {
		// Programs built with the race detector sleep a second when they end.
		env = append(env, "FAKE_CLIENT="+mode, "GORACE=atexit_sleep_ms=0")
		if mode == "orphan" {
			return startAlone(ctx, argv, env, dir)
		}
		return start(ctx, argv, env, dir)
	}
	return o, r
}

// A misbehaving process costs its own attempt, says why, and does not keep the next
// one from being played.
func TestFakeMisbehaviour(t *testing.T) {
	for _, c := range []struct {
		mode   string
		first  sim.Category // "" is a committed move
		text   string
		starts int // processes after two turns
	}{
		{"normal", "", "", 1},
		{"hang", sim.Timeout, "", 1},
		{"stubborn", sim.Timeout, "", 2},
		{"garbage", sim.Unparsable, "17 lines", 2},
		{"some garbage", "", "", 1},
		{"flood", sim.Truncated, "64 MiB", 2},
		{"die", sim.Crash, "out of memory", 2},
		{"orphan", sim.Crash, "", 2},
		{"unknown", "", "", 1},
		{"gate", "", "", 1},
		{"order", "", "", 1},
		{"stale", "", "", 1},
		{"late", "", "", 1},
		{"requests", "", "", 1},
	} {
		t.Run(c.mode, func(t *testing.T) {
			if testing.Short() && c.mode == "flood" {
				t.Skip("short: 64 MiB take a while")
			}
			t.Parallel()
			o, r := fakeOptions(t, c.mode)
			a := started(t, o)
			limit := 30 * time.Second
			switch {
			case c.first == sim.Timeout:
				limit = 300 * time.Millisecond
			case c.mode == "flood":
				limit = 3 * time.Minute // however busy the machine is: it is ended for what it prints
			}
			begin := time.Now()
			got := turn(t, a, limit)
			if got.Category != c.first || c.first == "" && got.Status != sim.Committed {
				t.Fatalf("%s %s %v", got.Status, got.Category, failureOf(got))
			}
			if !strings.Contains(failureOf(got), c.text) {
				t.Errorf("the failure says %q, want %q", failureOf(got), c.text)
			}
			if place := filepath.Dir(o.Home); strings.Contains(failureOf(got), place) {
				t.Errorf("the failure, which goes into the history, says where the sandbox is: %q", failureOf(got))
			}
			if c.mode == "order" && fmt.Sprint(got.Action) != "map[want:2]" {
				t.Errorf("the last block does not count, but %v", got.Action)
			}
			if d := time.Since(begin); d > limit+20*time.Second {
				t.Errorf("took %v", d)
			}
			if got := turn(t, a, 30*time.Second); got.Status != sim.Committed {
				t.Errorf("the turn after: %s %v", got.Category, failureOf(got))
			}
			if n := r.count("claude.start"); n != c.starts {
				t.Errorf("%d processes were started, want %d: %v", n, c.starts, r.all())
			}
		})
	}
}

// No model is asked for an act that is over before it begins.
func TestFakeOverBeforeItBegins(t *testing.T) {
	o, r := fakeOptions(t, "normal")
	a := started(t, o)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for range 20 {
		if got := play(t, over, a, number()); got.Category != sim.Timeout {
			t.Fatalf("%s %v", got.Category, failureOf(got))
		}
	}
	if got := turn(t, a, 30*time.Second); got.Status != sim.Committed {
		t.Errorf("%s %v", got.Category, failureOf(got))
	}
	if n := r.count("claude.result"); n != 1 {
		t.Errorf("%d results of one act: %v", n, r.all())
	}
}

func failureOf(s sim.Sealed) string {
	for _, a := range s.Attempts {
		if a.Failure != nil {
			return a.Failure.Text
		}
	}
	return ""
}

// What the model wants in a message beyond the step limit is not done: whether it would
// have been done before the interrupt came is a matter of chance.
func TestFakeStepLimit(t *testing.T) {
	o, r := fakeOptions(t, "steps")
	a := started(t, o)
	if got := turn(t, a, 30*time.Second, sim.ActLimits{Steps: 2}); got.Category != sim.Truncated {
		t.Errorf("%s %v", got.Category, failureOf(got))
	}
	if got := turn(t, a, 30*time.Second); got.Status != sim.Committed {
		t.Errorf("the turn after: %s %v %v", got.Category, failureOf(got), r.all())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.data {
		if tool, ok := d.(claude.Tool); ok && tool.Deny == "" {
			t.Errorf("it was let through: %+v", tool)
		}
	}
}

// What a process may say is counted by the act: a little garbage in each is no flood.
func TestFakeLittleGarbage(t *testing.T) {
	o, r := fakeOptions(t, "chatty")
	a := started(t, o)
	for n := range 2 + claude.MaxGarbage/5 {
		if got := turn(t, a, 30*time.Second); got.Status != sim.Committed {
			t.Fatalf("turn %d: %s %v", n, got.Category, failureOf(got))
		}
	}
	if n := r.count("claude.start"); n != 1 {
		t.Errorf("%d processes", n)
	}
}

// A process that cannot be started says why within its context, and leaves nothing.
func TestFakeStartFails(t *testing.T) {
	for mode, want := range map[string]string{
		"exit": "cannot start with ***", "deaf": "deadline", "silent": "deadline", "longline": "16 MiB",
	} {
		t.Run(mode, func(t *testing.T) {
			o, r := fakeOptions(t, mode)
			a := create(t, o)
			limit := 20 * time.Second
			if want == "deadline" {
				limit = 300 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			err := a.Start(ctx)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
			if r.count("claude.start") != 0 {
				t.Error("it counts as started")
			}
		})
	}
}

func TestFakeClose(t *testing.T) {
	for mode, most := range map[string]time.Duration{"normal": 10 * time.Second, "stays": 10 * time.Second} {
		o, r := fakeOptions(t, mode)
		a := started(t, o)
		begin := time.Now()
		exit, err := a.Close(context.Background())
		if err != nil || (mode == "normal") != strings.Contains(exit, "0") || r.count("claude.exit") != 1 {
			t.Errorf("%s: %q, %v", mode, exit, err)
		}
		if d := time.Since(begin); d > most {
			t.Errorf("%s: took %v", mode, d)
		}
		if _, err := a.Close(context.Background()); err != nil {
			t.Errorf("a second close: %v", err)
		}
		if err := a.Start(context.Background()); err == nil {
			t.Error("a closed agent starts")
		}
	}
}

// Checklist P1: a session has one owner.
func TestFakeOneOwner(t *testing.T) {
	o, _ := fakeOptions(t, "normal")
	started(t, o)
	if err := create(t, o).Start(context.Background()); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v", err)
	}
}

// A session that the client does not find is begun anew, once; the agent still plays.
func TestFakeCannotResume(t *testing.T) {
	o, r := fakeOptions(t, "forgetful")
	o.SessionID = "11111111-2222-4333-8444-555555555555"
	file := filepath.Join(o.ConfigDir, "projects", "x", o.SessionID+".jsonl")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	a := started(t, o)
	if got := turn(t, a, time.Minute); got.Status != sim.Committed || a.SessionID() == o.SessionID || r.count("claude.lost") != 1 {
		t.Errorf("%+v %v", got, r.all())
	}
}

// The client's own figures are deltas of cumulative ones.
func TestFakeUsage(t *testing.T) {
	o, r := fakeOptions(t, "normal")
	a := started(t, o)
	for range 3 {
		turn(t, a, time.Minute)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, d := range r.data {
		if res, ok := d.(claude.Result); ok {
			n++
			if res.Usage.CostUSD != 1 {
				t.Errorf("turn %d cost %v, want 1", n, res.Usage.CostUSD)
			}
		}
	}
	if n != 3 {
		t.Errorf("%d results", n)
	}
}
