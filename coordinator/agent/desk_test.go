package agent_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/coordinator/agent"
	"github.com/sandtable/sandtable/sim"
)

func act(n int) map[string]any { return map[string]any{"want": int64(n)} }

func tool(phase sim.Phase) sim.Phase {
	phase.Action, phase.Failures = want, noRetry()
	return phase
}

func noRetry() sim.Failures {
	f := sim.DefaultFailures()
	f.Illegal.Retry, f.Crash.Retry = 0, 0
	return f
}

// attempt plays one attempt whose calls are made by use.
func attempt(t *testing.T, phase sim.Phase, text string, use func(d *agent.Desk)) sim.Sealed {
	t.Helper()
	d := agent.NewDesk(agent.DeskOptions{})
	return play(t, phase, func(_ context.Context, ask *sim.Ask) sim.Answer {
		d.Open(ask)
		use(d)
		return d.Close().Answer(ask, text)
	})
}

func TestLastLegalActCounts(t *testing.T) {
	got := attempt(t, tool(sim.Phase{}), "the closing words", func(d *agent.Desk) {
		must(t, d.Act("", act(1), "one"))
		must(t, d.Act("", act(2), "two"))
		refused(t, d.Act("", act(13), "bad"), "13 is not allowed here")
		refused(t, d.Act("", act(100), "bad"), "99")
		refused(t, d.Act("", "2", "bad"), "not a string")
	})
	if got.Status != sim.Committed || !cmp.Equal(got.Action, any(act(2))) || got.Say != "two" {
		t.Fatalf("%+v", got)
	}
}

func TestOrderIsTheOrderOfBlocks(t *testing.T) {
	for _, arrival := range [][]string{{"t1", "t2", "t3"}, {"t3", "t2", "t1"}, {"t2", "t3", "t1"}} {
		got := attempt(t, tool(sim.Phase{}), "", func(d *agent.Desk) {
			for _, id := range []string{"t1", "t2", "t3"} {
				d.Block(id)
			}
			for _, id := range arrival {
				n := int(id[1] - '0')
				must(t, d.Act(id, act(n), id))
				must(t, d.Send(id, "b", id))
			}
		})
		var mail []string
		for _, l := range got.Mail {
			mail = append(mail, l.Text)
		}
		if got.Say != "t3" || !slices.Equal(mail, []string{"t1", "t2", "t3"}) {
			t.Errorf("arrival %v: say %q, mail %v", arrival, got.Say, mail)
		}
	}
}

// What everybody hears has one bound, whichever way it is said. A text that nobody hears
// has none.
func TestTextsThatAreTooLong(t *testing.T) {
	long := strings.Repeat("x", agent.MaxText+1)
	acts := func(say string) func(*agent.Desk) {
		return func(d *agent.Desk) { must(t, d.Act("", act(1), say)) }
	}
	none := func(*agent.Desk) {}
	for name, c := range map[string]struct {
		phase sim.Phase
		text  string
		use   func(*agent.Desk)
		cat   sim.Category
	}{
		"talk":           {sim.Phase{Optional: true}, long, none, sim.Truncated},
		"talk, just":     {sim.Phase{Optional: true}, long[1:], none, ""},
		"act":            {tool(sim.Phase{}), long, acts(""), sim.Truncated},
		"act and say":    {tool(sim.Phase{}), long, acts("short"), ""},
		"reply":          {tool(sim.Phase{Via: sim.Via{Kind: sim.ViaReply}}), long + `{"want":1}`, none, sim.Truncated},
		"optional":       {tool(sim.Phase{Optional: true}), long, none, sim.Truncated},
		"explicit pass":  {tool(sim.Phase{}), long, func(d *agent.Desk) { must(t, d.Pass("")) }, ""},
		"nothing to act": {tool(sim.Phase{}), long, none, sim.Empty},
	} {
		if got := attempt(t, c.phase, c.text, c.use); got.Category != c.cat {
			t.Errorf("%s: %q, want %q", name, got.Category, c.cat)
		}
	}
}

// An agent may act as often as it can in the time it has; only its last word is kept.
func TestManyActsAreBounded(t *testing.T) {
	const many = 1000 // of 256 KiB each
	got := attempt(t, tool(sim.Phase{}), "", func(d *agent.Desk) {
		before := heap()
		for n := range many {
			must(t, d.Act("", act(n%10), strings.Repeat(string(rune('a'+n%10)), agent.MaxText)))
		}
		if more := heap() - before; more > 32<<20 {
			t.Errorf("the desk keeps %d MiB", more>>20)
		}
	})
	if !cmp.Equal(got.Action, any(act((many-1)%10))) {
		t.Errorf("%v", got.Action)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestPass(t *testing.T) {
	pass := func(d *agent.Desk) { must(t, d.Pass("")) }
	if got := attempt(t, tool(sim.Phase{}), "I pass.", pass); got.Status != sim.Passed || got.Say != "" {
		t.Errorf("explicit pass: %+v", got)
	}
	got := attempt(t, tool(sim.Phase{}), "", func(d *agent.Desk) { pass(d); must(t, d.Act("", act(4), "")) })
	if got.Status != sim.Committed {
		t.Errorf("an action after a pass: %+v", got)
	}
	got = attempt(t, tool(sim.Phase{}), "", func(d *agent.Desk) { must(t, d.Act("", act(4), "")); pass(d) })
	if got.Status != sim.Passed || got.Action != nil {
		t.Errorf("a pass after an action: %+v", got)
	}
}

func TestCategories(t *testing.T) {
	reply := tool(sim.Phase{Via: sim.Via{Kind: sim.ViaReply}})
	optional := tool(sim.Phase{Optional: true})
	none := func(*agent.Desk) {}
	for _, c := range []struct {
		name   string
		phase  sim.Phase
		text   string
		use    func(*agent.Desk)
		status sim.Status
		cat    sim.Category
		action any
	}{
		{"nothing", tool(sim.Phase{}), "text", none, sim.Invalid, sim.Empty, nil},
		{"refused", tool(sim.Phase{}), "text", func(d *agent.Desk) { _ = d.Act("", act(13), "") }, sim.Invalid, sim.Illegal, nil},
		{"optional silence", optional, "text", none, sim.Passed, "", nil},
		{"optional, refused", optional, "text", func(d *agent.Desk) { _ = d.Act("", act(13), "") }, sim.Passed, "", nil},
		{"no schema", sim.Phase{Optional: true}, "hello", none, sim.Committed, "", nil},
		{"no schema, act refused", sim.Phase{Optional: true}, "hello", func(d *agent.Desk) {
			refused(t, d.Act("", act(1), ""), "wants no action")
		}, sim.Committed, "", nil},
		{"reply", reply, "so: ```json\n{\"want\": 5}\n```", none, sim.Committed, "", act(5)},
		{"reply by tool", reply, "", func(d *agent.Desk) { refused(t, d.Act("", act(1), ""), "from your reply") }, sim.Invalid, sim.Empty, nil},
		{"reply, prose", reply, "I want 5", none, sim.Invalid, sim.Unparsable, nil},
		{"reply, illegal", reply, `{"want":13}`, none, sim.Invalid, sim.Illegal, nil},
		{"reply, cut off", reply, `{"want":{"want":5}`, none, sim.Invalid, sim.Unparsable, nil},
	} {
		got := attempt(t, c.phase, c.text, c.use)
		if got.Status != c.status || got.Category != c.cat || !cmp.Equal(got.Action, c.action) {
			t.Errorf("%s: %s %s %v, want %s %s %v", c.name, got.Status, got.Category, got.Action, c.status, c.cat, c.action)
		}
	}
}

func TestFile(t *testing.T) {
	phase := tool(sim.Phase{Via: sim.Via{Kind: sim.ViaFile, File: "move.json"}})
	for _, c := range []struct {
		data string
		err  error
		cat  sim.Category
	}{
		{`{"want": 7}`, nil, ""},
		{"", errors.New("no such file"), sim.Empty},
		{" \n", nil, sim.Empty},
		{`{"want": 7} {"want": 8}`, nil, sim.Unparsable},
		{`[7]`, nil, sim.Unparsable},
		{`{"want": 13}`, nil, sim.Illegal},
	} {
		got := play(t, phase, func(_ context.Context, ask *sim.Ask) sim.Answer {
			return agent.Hand{}.AnswerFile(ask, "", []byte(c.data), c.err)
		})
		if got.Category != c.cat {
			t.Errorf("%q: %q, want %q", c.data, got.Category, c.cat)
		}
	}
}

func TestMail(t *testing.T) {
	phase := tool(sim.Phase{Optional: true, Limits: func(*sim.Seat) sim.ActLimits { return sim.ActLimits{Mail: 2} }})
	got := attempt(t, phase, "", func(d *agent.Desk) {
		refused(t, d.Send("", "nobody", "x"), "nobody")
		must(t, d.Send("", "b", "1"))
		must(t, d.Send("", []any{"b"}, "2"))
		refused(t, d.Send("", "b", "3"), "limit")
		refused(t, d.Send("", "b", strings.Repeat("x", agent.MaxText+1)), "at most")
	})
	if len(got.Mail) != 2 {
		t.Errorf("%+v", got.Mail)
	}
}

func TestStaleCalls(t *testing.T) {
	var stale []agent.Stale
	d := agent.NewDesk(agent.DeskOptions{Stale: func(s agent.Stale) { stale = append(stale, s) }})
	late := func() {
		t.Helper()
		for _, err := range []error{d.Act("t1", act(1), ""), d.Pass("t1"), d.Send("t1", "b", "x")} {
			if !errors.Is(err, agent.ErrNoTurn) {
				t.Errorf("got %v", err)
			}
		}
	}
	late()
	for n := 0; n < 2; n++ {
		got := play(t, tool(sim.Phase{Optional: true}), func(_ context.Context, ask *sim.Ask) sim.Answer {
			d.Open(ask)
			if n == 0 {
				d.Block("t1")
			} else {
				late() // t1 was a block of the turn before
			}
			return d.Close().Answer(ask, "")
		})
		if got.Status != sim.Passed {
			t.Errorf("%+v", got)
		}
		late()
	}
	if len(stale) != 12 {
		t.Errorf("noted %d stale calls, want 12: %v", len(stale), stale)
	}
	if h := d.Close(); h.Action != nil || h.Mail != nil {
		t.Errorf("a closed desk gave %+v", h)
	}
}

func TestValuesAreCopiedAndNeutral(t *testing.T) {
	d := agent.NewDesk(agent.DeskOptions{Neutral: agent.Neutral("/nowhere/v/a")})
	phase := sim.Phase{Failures: noRetry(), Action: func(*sim.AgentScope) (any, error) {
		return map[string]any{"type": "object"}, nil
	}}
	in := map[string]any{"/nowhere/v/a/k": []any{"/nowhere/v/a", "/nowhere/v/ab"}}
	got := play(t, phase, func(_ context.Context, ask *sim.Ask) sim.Answer {
		d.Open(ask)
		must(t, d.Act("", in, "see /nowhere/v/a/x"))
		must(t, d.Send("", "b", "/nowhere/v/a/y"))
		in["late"] = true
		return d.Close().Answer(ask, "")
	})
	want := map[string]any{"./k": []any{".", "/nowhere/v/ab"}}
	if diff := cmp.Diff(any(want), got.Action); diff != "" || got.Say != "see ./x" || got.Mail[0].Text != "./y" {
		t.Errorf("%s say %q mail %v", diff, got.Say, got.Mail)
	}
}

func TestManyCallsAtOnce(t *testing.T) {
	d := agent.NewDesk(agent.DeskOptions{})
	got := play(t, tool(sim.Phase{}), func(_ context.Context, ask *sim.Ask) sim.Answer {
		d.Open(ask)
		var wg sync.WaitGroup
		for n := range 40 {
			d.Block(fmt.Sprint(n))
		}
		for n := range 40 {
			wg.Go(func() {
				_ = d.Act(fmt.Sprint(n), act(n), "")
				_ = d.Send(fmt.Sprint(n), "b", fmt.Sprint(n))
				_, _ = d.Inbox()
			})
		}
		wg.Wait()
		return d.Close().Answer(ask, "")
	})
	if !cmp.Equal(got.Action, any(act(39))) || len(got.Mail) != 40 || got.Mail[39].Text != "39" {
		t.Errorf("%+v", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func refused(t *testing.T, err error, text string) {
	t.Helper()
	var f *sim.Failure
	if !errors.As(err, &f) || !strings.Contains(f.Text, text) {
		t.Errorf("got %v, want a refusal with %q", err, text)
	}
}
