package coordinator

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sandtable/sandtable/coordinator/gateway"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
)

// programs is a scenario of one agent program for each of some behaviours.
func programs(t *testing.T, more string, modes ...string) string {
	t.Helper()
	python(t)
	agents := "agents:\n"
	for _, mode := range modes {
		limits := ""
		if mode == "flood" || mode == "longline" {
			limits = ", limits: {act: 2m}" // however busy the machine is: it is ended for what it says
		}
		agents += "  - {name: " + mode + ", player: p, command: [python3, agent.py, " + mode + "]" + limits + "}\n"
	}
	return folderOf(t, `
-- scenario.yaml --
sandtable: 1
name: programs
seed: 1
upstream: {scripted: model.star}
workspace:
  files: {"plan.md": "plan\n"}
players:
  p: {runtime: program, limits: {act: 1s}}
`+agents+`
turns:
  max: 2
  phases:
    - {name: work, canonical: seat, action: {n: {type: integer}}, prompt: "Turn ${turn}."}
failures: {illegal: pass, timeout: pass, crash: pass, budget: pass}
limits: {turns: 100}
`+more+`
-- model.star --
def reply(request, agent, turn, ctx):
    return {"content": "well", "usage": {"input": 1000, "output": 100}}
-- agent.py --
`+text(t, "testdata/agent.py"))
}

// Whatever a program does, it costs its own move, by its category, within its limit and
// two seconds, in bounded memory, and nobody else anything (promise 5, P5, C2).
func TestBadPrograms(t *testing.T) {
	modes := []string{"good", "mute", "garbage", "exits", "dies", "flood", "longline"}
	want := []string{
		"mute 1.1.1 TIMEOUT", "garbage 1.1.1 UNPARSABLE", "exits 1.1.1 CRASH", "dies 1.1.1 CRASH", "flood 1.1.1 TRUNCATED", "longline 1.1.1 UNPARSABLE",
		"mute 2.1.1 TIMEOUT", "garbage 2.1.1 UNPARSABLE", "exits 2.1.1 CRASH", "dies 2.1.1 CRASH", "flood 2.1.1 TRUNCATED", "longline 2.1.1 UNPARSABLE",
	}
	if testing.Short() { // no floods
		modes = modes[:5]
		want = slices.DeleteFunc(want, func(s string) bool { return strings.Contains(s, "flood") || strings.Contains(s, "longline") })
	}
	peak := heapPeak()
	p := completed(t, programs(t, "", modes...), setup{})
	if grown := peak(); grown > 64<<20 {
		t.Errorf("the coordinator's heap grew by %d MiB", grown>>20)
	}
	got := p.failures(t)
	for i, f := range got {
		if f == "longline 2.1.1 TRUNCATED" { // it was still at the line of turn 1
			got[i] = "longline 2.1.1 UNPARSABLE"
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("failures: %v, want %v", got, want)
	}
	checkGood(t, p)
	for _, e := range p.events(t, eventSealed, "") {
		checkUsed(t, e)
	}
	if f := p.result(t, 1, "dies").Attempts[0].Failure.Text; !strings.Contains(f, "exit code 7") || !strings.Contains(f, "last words") {
		t.Errorf("how it died: %s", f)
	}
}

// checkGood: who behaves has moved in both turns, at the first attempt.
func checkGood(t *testing.T, p *played) {
	t.Helper()
	for turn := 1; turn <= 2; turn++ {
		r := p.result(t, turn, "good")
		if r.Status != "committed" || len(r.Attempts) != 1 || marshal(t, r.Action) != marshal(t, map[string]any{"n": turn}) {
			t.Errorf("good in turn %d: %+v", turn, r)
		}
	}
}

// checkUsed: no attempt took longer than its limit of a second and the grace of two;
// half a second more is for a machine that is busy with seven programs.
func checkUsed(t *testing.T, sealed results.TraceRow) {
	t.Helper()
	var data struct{ Seconds map[string][]float64 }
	decode(t, sealed.Data, &data)
	for agent, list := range data.Seconds {
		for _, s := range list {
			if s > 3.5 && agent != "flood" && agent != "longline" {
				t.Errorf("%s in turn %d took %v s", agent, sealed.Turn, s)
			}
		}
	}
}

// heapPeak watches the heap until the function that it returns is called, which then
// returns by how many bytes it had grown at most.
func heapPeak() (stop func() int64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, most := int64(m.HeapInuse), int64(0)
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				runtime.ReadMemStats(&m)
				most = max(most, int64(m.HeapInuse)-before)
			}
		}
	}()
	return func() int64 { close(done); <-over; return most }
}

// Conformance check 4: what comes after the deadline changes nothing, and there is one
// note of it.
func TestLateCommit(t *testing.T) {
	t.Parallel()
	p := completed(t, programs(t, "", "good", "late"), setup{})
	checkFailures(t, p, "late 1.1.1 TIMEOUT")
	checkGood(t, p)
	if r := p.result(t, 1, "late"); r.Action.V != nil || r.Status != "timeout" {
		t.Errorf("%+v", r)
	}
	if r := p.result(t, 2, "late"); r.Status != "committed" {
		t.Errorf("%+v", r)
	}
	if got := p.events(t, "stale", ""); len(got) != 1 || got[0].Agent != "late" {
		t.Errorf("stale notes: %+v", got)
	}
	if _, err := os.Stat(filepath.Join(p.Workspace(), "late.txt")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was written late is in the workspace: %v", err)
	}
	if n := len(p.events(t, "start", "late")); n != 1 {
		t.Errorf("it gave a sign after its cancel and was started %d times", n)
	}
}

// A program that has ended is started again before its next act's clock runs (C3).
func TestRestartIsNoAct(t *testing.T) {
	t.Parallel()
	p := completed(t, programs(t, "", "good", "slow"), setup{})
	checkFailures(t, p, "slow 1.1.1 CRASH")
	checkGood(t, p)
	if n := len(p.events(t, "start", "slow")); n != 2 {
		t.Errorf("it was started %d times", n)
	}
}

// The text of a failure is part of the history, which does not tell where the sandbox
// lies: neither by a command that cannot be started nor by a program's last words.
func TestFailureNamesNoSandbox(t *testing.T) {
	t.Parallel()
	python(t)
	folder := folderOf(t, `
-- scenario.yaml --
sandtable: 1
name: paths
seed: 1
agents:
  - {name: a, runtime: program, command: [./agent.py]}
  - {name: b, runtime: program, command: [python3, agent.py]}
turns: {max: 1}
failures: {crash: pass}
-- agent.py --
import json, os, sys
for line in sys.stdin:
    m = json.loads(line)
    if m["type"] == "hello":
        print(json.dumps({"type": "ready"}), flush=True)
    elif m["type"] == "turn":
        print(os.environ["TMPDIR"], os.getcwd(), file=sys.stderr)
        raise ValueError("no")
`)
	p := completed(t, folder, setup{})
	checkFailures(t, p, "a 1.1.1 CRASH", "b 1.1.1 CRASH")
	want := text(t, p.History())
	if strings.Contains(want, p.sandbox) || !strings.Contains(want, "agent.py") {
		t.Error(want)
	}
	same(t, want, completed(t, folder, setup{sandbox: filepath.Join(sandboxDir(t), "elsewhere")}))
}

// A retry after a crash begins with the files as they were; one after an illegal move
// keeps the agent's own (design, section 4).
func TestRetryAndFiles(t *testing.T) {
	t.Parallel()
	sets := []string{"turns.max=1", "players.p.limits.act=20s", "failures.crash={retry: 1, then: forfeit}", "failures.illegal={retry: 1, then: forfeit}"}
	p := completed(t, programs(t, "", "good", "half"), setup{sets: sets})
	checkFailures(t, p, "half 1.1.1 CRASH", "half 1.1.2 ILLEGAL")
	if r := p.result(t, 1, "half"); r.Status != "committed" || len(r.Writes) != 1 || r.Writes[0].Path != "second.txt" {
		t.Errorf("%s, %+v", r.Status, r.Writes)
	}
}

// The bank is added to what an act may take: here it covers one act of three seconds,
// and not the next (C1).
func TestBankIsTime(t *testing.T) {
	t.Parallel()
	p := completed(t, programs(t, "", "good", "thinks"), setup{sets: []string{"players.p.limits.bank=3s"}})
	checkFailures(t, p, "thinks 2.1.1 TIMEOUT")
	checkGood(t, p)
}

// A run that a failure policy calls void is void in run.json too, and in its results.
func TestVoid(t *testing.T) {
	t.Parallel()
	p := play(t, programs(t, "", "good", "dies"), setup{sets: []string{"failures.crash=void"}})
	if p.err != nil || p.info.Status != results.Void || p.info.History == "" {
		t.Errorf("%s, %v", p.info.Status, p.err)
	}
	if res, err := results.ReadRun(p.Dir); err != nil || res.Status != results.Void || len(res.Problems) > 0 {
		t.Errorf("%+v, %v", res, err)
	}
}

// limits.idle ends the open acts of a run in which nobody gives a sign of life.
func TestIdle(t *testing.T) {
	t.Parallel()
	s := setup{sets: []string{"players.p.limits.act=5m", "limits.idle=1s"}}
	p := completed(t, programs(t, "", "good", "mute"), s)
	checkFailures(t, p, "mute 1.1.1 TIMEOUT", "mute 2.1.1 TIMEOUT")
	checkGood(t, p)
	if p.took > 20*time.Second {
		t.Errorf("it took %v", p.took)
	}
}

// limits.wall truncates the run: Run returns within five seconds of it, whatever the
// agents do (C4), and the open stage is discarded.
func TestWall(t *testing.T) {
	t.Parallel()
	s := setup{sets: []string{"players.p.limits.act=5m", "limits.wall=2s"}}
	p := play(t, programs(t, "", "good", "mute"), s)
	checkTruncated(t, p, "wall")
	if p.took > 7*time.Second {
		t.Errorf("it took %v", p.took)
	}
	if seals := recordsOf[*history.Seal](t, p); len(seals) != 0 {
		t.Errorf("the open stage was sealed: %+v", seals)
	}
}

// So does it while a command of a metric runs. One that is asked for after the end has
// its own limit alone.
func TestWallInCommand(t *testing.T) {
	t.Parallel()
	more := "metrics: {slow: {command: [sh, -c, 'setsid sleep 300 & sleep 300'], timeout: 10s}}\n"
	p := play(t, programs(t, more, "good"), setup{sets: []string{"limits.wall=2s"}})
	checkTruncated(t, p, "wall")
	if p.took > 20*time.Second {
		t.Errorf("it took %v", p.took)
	}
}

func checkTruncated(t *testing.T, p *played, reason string) {
	t.Helper()
	if p.err != nil || p.info.Status != results.Truncated {
		t.Fatalf("%s, %v", p.info.Status, p.err)
	}
	if end := p.end(t); !end.Truncated || end.Terminated || end.Reason != reason {
		t.Errorf("%+v", end)
	}
	res, err := results.ReadRun(p.Dir)
	if err != nil || res.Status != results.Truncated || len(res.Problems) > 0 {
		t.Errorf("%+v, %v", res, err)
	}
}

// A request of the spending program is 1,100 tokens and 6,000,000 nano-dollars: 1,000 of
// input at 4 dollars a million and 100 of output at 20.
func TestLimitsOfSpending(t *testing.T) {
	t.Parallel()
	folder := programs(t, "", "good", "spend")
	two := []string{"turns.max=2", "players.p.limits.act=20s"}
	t.Run("none", func(t *testing.T) {
		p := completed(t, folder, setup{sets: two})
		if p.spent != (Spent{2200, 12_000_000}) {
			t.Errorf("%+v", p.spent)
		}
		checkLedger(t, p)
	})
	t.Run("tokens of the run", func(t *testing.T) {
		p := play(t, folder, setup{sets: append(two, "limits.tokens=1500")})
		checkTruncated(t, p, "tokens")
		if len(recordsOf[*history.Seal](t, p)) != 1 {
			t.Error("it was not truncated in turn 2")
		}
		checkLedger(t, p)
	})
	t.Run("money of the run", func(t *testing.T) {
		p := play(t, folder, setup{sets: append(two, "limits.usd=0.01")})
		checkTruncated(t, p, "usd")
		checkLedger(t, p)
	})
	t.Run("of the agent", func(t *testing.T) {
		for _, limit := range []string{"tokens=1500", "usd=0.01"} {
			p := completed(t, folder, setup{sets: []string{"turns.max=4", "players.p.limits.act=20s", "players.p.limits." + limit}})
			checkFailures(t, p, "spend 3.1.1 BUDGET", "spend 4.1.1 BUDGET")
			checkGood(t, p)
			if p.spent.Tokens != 2200 {
				t.Errorf("%s: %+v", limit, p.spent)
			}
		}
	})
	t.Run("without a price", func(t *testing.T) {
		p := play(t, folder, setup{sets: append(two, "limits.usd=1", "players.p.env={MODEL: nobodys-model-1}")})
		var harness *HarnessError
		if !errors.As(p.err, &harness) || p.info.Status != results.HarnessFailed ||
			!strings.Contains(p.info.Error, "nobodys-model-1") || !strings.Contains(p.info.Error, "--prices") {
			t.Errorf("%s, %q, %v", p.info.Status, p.info.Error, p.err)
		}
	})
	t.Run("with a price of one's own", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "prices.json")
		table := `{"date":"2026-01-01","unit":"nano-dollars per token","sources":{"us":"us"},"models":[{"ids":["nobodys-model-1"],"source":"us","rates":{"input":1,"output":2,"cache_write_5m":0,"cache_write_1h":0,"cache_read":0}}]}`
		if err := os.WriteFile(file, []byte(table), 0o644); err != nil {
			t.Fatal(err)
		}
		prices, err := gateway.LoadPrices(file)
		if err != nil {
			t.Fatal(err)
		}
		s := setup{sets: append(two, "limits.usd=1", "players.p.env={MODEL: nobodys-model-1}"), change: func(o *Options) { o.Prices = prices }}
		if p := completed(t, folder, s); p.spent.NanoUSD != 2*1200 {
			t.Errorf("%+v", p.spent)
		}
	})
}
