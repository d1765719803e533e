package coordinator

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sandtable/sandtable/coordinator/agent/claude"
	"github.com/sandtable/sandtable/coordinator/gateway"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
)

// Promise 2: the same inputs and the same answers give the same history, byte for byte,
// whatever the latencies, the processors and the place. Real clients play.
func TestSharedNotes(t *testing.T) {
	cli := client(t)
	told := &laidOut{found: map[string][]string{}}
	first := sharedRun(t, cli, setup{change: told.watch})
	want := text(t, first.History())
	t.Run("as expected", func(t *testing.T) { checkNotes(t, first) })
	t.Run("ledger", func(t *testing.T) { checkLedger(t, first) })
	t.Run("client's account", func(t *testing.T) { checkReconciled(t, first) })
	t.Run("conflicts are told", func(t *testing.T) { told.check(t, first) })
	if testing.Short() {
		return // one run takes some eight seconds
	}
	t.Run("one processor", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		same(t, want, sharedRun(t, cli, setup{}))
	})
	t.Run("again", func(t *testing.T) {
		t.Parallel()
		same(t, want, sharedRun(t, cli, setup{}))
	})
	t.Run("random delays", func(t *testing.T) {
		t.Parallel()
		p := sharedRun(t, cli, setup{change: func(o *Options) { o.Delay = randomDelay }})
		same(t, want, p)
		checkLedger(t, p)
	})
	t.Run("another place", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(sandboxDir(t), "a-longer-name", "for-the-sandbox")
		same(t, want, sharedRun(t, cli, setup{sandbox: dir}))
	})
	t.Run("another seed", func(t *testing.T) {
		t.Parallel()
		seed := uint64(12)
		p := sharedRun(t, cli, setup{seed: &seed})
		if a, b := orders(t, first), orders(t, p); a == b {
			t.Errorf("seed 12 has the orders of seed 11: %s", a)
		}
	})
}

func sharedRun(t *testing.T, cli string, s setup) *played {
	t.Helper()
	s.claude = cli
	return completed(t, sharedNotes, s)
}

func randomDelay(string, int64) time.Duration {
	return time.Duration(rand.IntN(60)) * time.Millisecond
}

// same compares histories, and names the first line that differs.
func same(t *testing.T, want string, p *played) {
	t.Helper()
	got := text(t, p.History())
	if got == want {
		return
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Errorf("line %d differs:\n%.2000s\n%.2000s", i+1, a[i], b[i])
			return
		}
	}
	t.Errorf("%d lines and %d lines", len(a), len(b))
}

// orders are the canonical orders of a run, which its seed decides.
func orders(t *testing.T, p *played) string {
	t.Helper()
	var out []string
	for _, s := range recordsOf[*history.Stage](t, p) {
		out = append(out, strings.Join(s.Canonical, " "))
	}
	return strings.Join(out, ", ")
}

// checkNotes: clean merges, a conflict and a stale write have occurred, and nothing of
// what anybody wrote to the log is lost.
func checkNotes(t *testing.T, p *played) {
	seen := map[string]int{}
	for _, r := range recordsOf[*history.Revision](t, p) {
		for _, ws := range r.WriteSets {
			for _, d := range ws.Decisions {
				seen[d.Outcome]++
			}
		}
	}
	if seen[history.Merged] == 0 || seen[history.Conflict] != 1 || seen[history.Stale] != 1 {
		t.Errorf("decisions: %v", seen)
	}
	if got := p.outcome(t, "complete") + p.outcome(t, "log_lines"); got != "true18" {
		// 20 lines, of which two were withheld with a conflict in the same write set
		t.Errorf("outcomes: %s", got)
	}
	pids, sessions := map[int]bool{}, map[string]bool{}
	for _, e := range p.events(t, "claude.start", "") {
		var s claude.Started
		decode(t, e.Data, &s)
		pids[s.PID], sessions[s.Session] = true, true
	}
	if len(pids) != 4 || len(sessions) != 4 { // checklist P1
		t.Errorf("processes %v, sessions %v", pids, sessions)
	}
	for _, agent := range []string{"ada", "ben", "cleo", "dan"} {
		dir, err := p.Agent(agent)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(text(t, filepath.Join(dir, "transcript.jsonl")), `"type":"user"`); n < 5 {
			t.Errorf("%s: %d messages of users in the transcript that was kept", agent, n)
		}
	}
}

// checkLedger compares ledger.jsonl with the scripted model's own books: all of it, per
// agent and per turn (promise 4, checklist A5 and A6).
func checkLedger(t *testing.T, p *played) {
	t.Helper()
	got := gateway.Tally{Agents: map[string]gateway.AgentTally{}}
	var nano int64
	ids := map[string]bool{}
	for _, row := range rows[results.LedgerRow](t, p.Ledger()) {
		if ids[row.MessageID] {
			t.Errorf("message %s is there twice", row.MessageID)
		}
		ids[row.MessageID] = true
		if row.Status == http.StatusTooManyRequests { // our own refusal, which no model has seen
			if row.Tokens.Total() != 0 || row.NanoUSD != 0 {
				t.Errorf("a refused request costs %+v", row)
			}
			continue
		}
		add := func(c gateway.Count) gateway.Count {
			return gateway.Count{Replies: c.Replies + 1, Tokens: c.Tokens.Plus(gateway.Tokens(row.Tokens))}
		}
		a := got.Agents[row.Agent]
		if a.Turns == nil {
			a.Turns = map[int]gateway.Count{}
		}
		a.Count, a.Turns[row.Turn] = add(a.Count), add(a.Turns[row.Turn])
		got.Agents[row.Agent], got.Total = a, add(got.Total)
		nano += row.NanoUSD
	}
	if a, b := fmt.Sprint(got), fmt.Sprint(p.tally); a != b {
		t.Errorf("the ledger and the model disagree:\n%s\n%s", a, b)
	}
	if nano != p.spent.NanoUSD || got.Total.Tokens.Total() != p.spent.Tokens || nano == 0 {
		t.Errorf("the ledger says %d nano-dollars and %d tokens, Run %+v", nano, got.Total.Tokens.Total(), p.spent)
	}
}

// checkReconciled compares what the client says an act cost with the ledger.
func checkReconciled(t *testing.T, p *played) {
	t.Helper()
	ledger := map[string]int64{}
	for _, row := range rows[results.LedgerRow](t, p.Ledger()) {
		ledger[fmt.Sprintf("%s %d.%d.%d", row.Agent, row.Turn, row.Stage, row.Attempt)] += row.NanoUSD
	}
	events := p.events(t, "claude.result", "")
	if len(events) != 20 || len(ledger) != 20 {
		t.Errorf("%d results of acts, %d acts in the ledger", len(events), len(ledger))
	}
	for _, e := range events {
		var r claude.Result
		decode(t, e.Data, &r)
		if got := int64(math.Round(r.Usage.CostUSD * 1e9)); got != ledger[e.Agent+" "+r.Ask] {
			t.Errorf("%s %s: the client counts %d nano-dollars, the ledger %d", e.Agent, r.Ask, got, ledger[e.Agent+" "+r.Ask])
		}
	}
}

// laidOut looks into the views while agents act: at what is laid out for the loser of a
// conflict at the time at which it is told.
type laidOut struct {
	mu    sync.Mutex
	run   *run
	found map[string][]string // agent and turn to files below .sandtable/conflicts
}

func (l *laidOut) watch(o *Options) {
	o.opened = func(r *run) { l.run = r }
	o.Delay = func(agent string, _ int64) time.Duration {
		key := fmt.Sprintf("%s %d", agent, l.run.turn.Load())
		files, _ := filepath.Glob(filepath.Join(l.run.seats[agent].view.Dir(), ".sandtable/conflicts/*/*/*"))
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.found[key] == nil {
			l.found[key] = []string{}
			for _, f := range files {
				rel, _ := filepath.Rel(l.run.seats[agent].view.Dir(), f)
				l.found[key] = append(l.found[key], rel)
			}
		}
		return 0
	}
}

// check: whoever lost a path is told its name and where both versions are in its next
// prompt, and they are there when it is told; nobody else is told.
func (l *laidOut) check(t *testing.T, p *played) {
	t.Helper()
	losers := map[string]string{}
	for _, r := range recordsOf[*history.Revision](t, p) {
		for _, ws := range r.WriteSets {
			for _, d := range ws.Decisions {
				if d.Contended() && d.Lost() {
					losers[fmt.Sprintf("%s %d", ws.Author, r.Turn+1)] = d.Path
				}
			}
		}
	}
	if len(losers) != 2 {
		t.Errorf("losers: %v", losers)
	}
	for _, e := range p.events(t, eventPrompt, "") {
		key := fmt.Sprintf("%s %d", e.Agent, e.Turn)
		path, lost := losers[key]
		where := fmt.Sprintf(".sandtable/conflicts/%d", e.Turn-1)
		if told := strings.Contains(e.Text, where); told != lost || lost && !strings.Contains(e.Text, path) {
			t.Errorf("%s lost %q and was asked:\n%s", key, path, e.Text)
		}
		if !lost {
			continue
		}
		for _, suffix := range []string{"base", "theirs", "yours", "diff"} {
			if want := where + "/" + path + "." + suffix; !slices.Contains(l.found[key], want) {
				t.Errorf("%s: %s was not there when it was told; there was %v", key, want, l.found[key])
			}
		}
	}
}
