package results

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCreateBatchNeverClobbers(t *testing.T) {
	base := filepath.Join(t.TempDir(), "runs")
	for i, want := range []string{"20260301T120000Z-fishery", "20260301T120000Z-fishery-2", "20260301T120000Z-fishery-3"} {
		b, err := CreateBatch(base, "fishery", start)
		ok(t, err)
		if got := filepath.Base(b.Dir); got != want {
			t.Errorf("batch %d is %s, want %s", i+1, got, want)
		}
	}
	for _, bad := range []string{"", "Fishery", "../x", "a/b", "-a", strings.Repeat("a", 33), "a\n"} {
		if _, err := CreateBatch(base, bad, start); err == nil {
			t.Errorf("name %q was taken", bad)
		}
	}
	file := filepath.Join(base, "file")
	ok(t, os.WriteFile(file, nil, 0o600))
	if _, err := CreateBatch(file, "x", start); err == nil {
		t.Error("a batch below a file was made")
	}
}

func TestBatchInfoRoundTripAndMismatch(t *testing.T) {
	info := batchInfo(2, 3)
	b := newBatch(t, info)
	got, err := b.Info()
	ok(t, err)
	if m := got.Mismatch(withFormat(info)); len(m) != 0 {
		t.Errorf("the same batch does not match: %v", m)
	}
	for what, change := range map[string]func(*BatchInfo){
		"seed":            func(i *BatchInfo) { i.Seed-- },
		"replicates":      func(i *BatchInfo) { i.Replicates++ },
		"digest of world": func(i *BatchInfo) { i.Digests = map[string]string{"scenario": "aa", "world": "bb"} },
		"cell c02":        func(i *BatchInfo) { i.Cells[1].Params = json.RawMessage(`{"n":6}`) },
	} {
		other := withFormat(batchInfo(2, 3))
		change(&other)
		if m := got.Mismatch(other); len(m) != 1 || !strings.HasPrefix(m[0], what) {
			t.Errorf("%s: %v", what, m)
		}
	}
	if _, err := OpenBatch(t.TempDir()); err == nil {
		t.Error("an empty directory was opened as a batch")
	}
}

func withFormat(i BatchInfo) BatchInfo { i.Sandtable = Format; return i }

// A run is interrupted until it says otherwise, and its directory is never taken twice.
func TestCreateRun(t *testing.T) {
	b := newBatch(t, batchInfo(1, 2))
	run, err := b.CreateRun(RunInfo{Cell: "c01", Replicate: 1, Status: Completed})
	ok(t, err)
	if info, err := run.Info(); err != nil || info.Status != Interrupted {
		t.Errorf("%v %v", info.Status, err)
	}
	if _, err := b.CreateRun(RunInfo{Cell: "c01", Replicate: 1}); !os.IsExist(err) {
		t.Errorf("the same run again: %v", err)
	}
	for _, bad := range []RunInfo{{Cell: "../c01", Replicate: 1}, {Cell: "c01"}, {Cell: "c1", Replicate: 2}} {
		if _, err := b.CreateRun(bad); err == nil {
			t.Errorf("%+v was made", bad)
		}
	}
	if err := run.WriteInfo(RunInfo{}); err == nil {
		t.Error("a run without a status was written")
	}
	for _, bad := range []string{"", "..", "a/b", "a\x00"} {
		if _, err := run.Agent(bad); err == nil {
			t.Errorf("agent %q got a directory", bad)
		}
	}
}

func TestReadRun(t *testing.T) {
	b := newBatch(t, batchInfo(1, 1))
	run := play(t, b, "c01", 1, played{survived: true, total: 7.5, reason: "max", nanousd: 3, draws: 2})
	res, err := ReadRun(run.Dir)
	ok(t, err)
	if res.Status != Completed || res.Turns != 1 || res.Commits != 1 || res.Conflicts != 1 || res.Lost != 0 ||
		res.NanoUSD != 9 || res.Tokens != (Tokens{6, 30, 300, 3000, 30000}) || len(res.Problems) != 0 {
		t.Errorf("%+v", res)
	}
	want := &AgentStats{Turns: 1, Moves: 1, Failures: map[string]int{"ILLEGAL": 1}, LastError: "want: 900 is above 80",
		Tokens: Tokens{1, 10, 100, 1000, 10000}, NanoUSD: 3, Commits: 1, lastTurn: 1}
	if d := cmp.Diff(want, res.Agents["a"], cmp.AllowUnexported(AgentStats{})); d != "" {
		t.Error(d)
	}
	// The accounts add up to the run, exactly (M1).
	var sum int64
	var tokens Tokens
	for _, a := range res.Agents {
		sum += a.NanoUSD
		tokens.Add(a.Tokens)
	}
	if sum != res.NanoUSD || tokens != res.Tokens {
		t.Errorf("accounts %d %v, run %d %v", sum, tokens, res.NanoUSD, res.Tokens)
	}
	if _, err := ReadRun(t.TempDir()); err == nil {
		t.Error("an empty directory was read as a run")
	}
}

// Killed at any point of its history, a run is interrupted, its torn tail is told, and
// what it cost is still counted.
func TestReadRunTorn(t *testing.T) {
	b := newBatch(t, batchInfo(1, 1))
	run := play(t, b, "c01", 1, played{survived: true, total: 1.0, nanousd: 3})
	ok(t, run.WriteInfo(RunInfo{Cell: "c01", Replicate: 1, Seed: 7, Status: Interrupted}))
	whole, err := os.ReadFile(run.History())
	ok(t, err)
	for cut := 0; cut < len(whole); cut += 7 {
		ok(t, os.WriteFile(run.History(), whole[:cut], 0o600))
		res, err := ReadRun(run.Dir)
		ok(t, err)
		torn := cut > 0 && whole[cut-1] != '\n'
		if res.Status != Interrupted || (len(res.Problems) == 1) != torn || res.NanoUSD != 9 {
			t.Fatalf("cut at %d: %q %v", cut, res.Status, res.Problems)
		}
	}
}

func TestRunStatus(t *testing.T) {
	damage := func(r *Run) { _ = os.WriteFile(r.History(), []byte("{}\n"), 0o600) }
	for name, c := range map[string]struct {
		p      played
		change func(*Run)
		want   RunStatus
	}{
		"completed":                  {played{}, nil, Completed},
		"void":                       {played{status: Void}, nil, Void},
		"truncated":                  {played{status: Truncated}, nil, Truncated},
		"harness":                    {played{status: HarnessFailed}, nil, HarnessFailed},
		"killed after the end":       {played{status: Interrupted}, nil, Completed},
		"no history":                 {played{}, func(r *Run) { _ = os.Remove(r.History()) }, ""},
		"damaged history":            {played{}, damage, ""},
		"harness, damaged":           {played{status: HarnessFailed}, damage, ""},
		"no run.json":                {played{}, func(r *Run) { _ = os.Remove(filepath.Join(r.Dir, runFile)) }, Completed},
		"empty run.json":             {played{}, func(r *Run) { _ = os.WriteFile(filepath.Join(r.Dir, runFile), nil, 0o600) }, Completed},
		"run.json of the future":     {played{status: Void}, func(r *Run) { _ = os.WriteFile(filepath.Join(r.Dir, runFile), []byte(`{"sandtable":2}`), 0o600) }, Void},
		"another history (tampered)": {played{}, func(r *Run) { rehash(r) }, ""},
		"void, tampered":             {played{status: Void}, func(r *Run) { rehash(r) }, ""},
		"completed, cut":             {played{}, behead, ""},
		"void, cut":                  {played{status: Void}, behead, ""},
		"truncated, cut":             {played{status: Truncated}, behead, ""},
		"harness failed, cut":        {played{status: HarnessFailed}, behead, ""},
	} {
		b := newBatch(t, batchInfo(1, 1))
		run := play(t, b, "c01", 1, c.p)
		if c.change != nil {
			c.change(run)
		}
		res, err := ReadRun(run.Dir)
		ok(t, err)
		if res.Status != c.want || c.change != nil && len(res.Problems) == 0 {
			t.Errorf("%s: %q %v, want %q", name, res.Status, res.Problems, c.want)
		}
	}
}

// behead takes the last line off the history, whole: the chain alone cannot see that.
func behead(r *Run) {
	text, _ := os.ReadFile(r.History())
	text = text[:len(text)-1]
	_ = os.WriteFile(r.History(), text[:strings.LastIndexByte(string(text), '\n')+1], 0o600)
}

// rehash changes the last line of the history, which the chain alone cannot see.
func rehash(r *Run) {
	text, _ := os.ReadFile(r.History())
	_ = os.WriteFile(r.History(), []byte(strings.Replace(string(text), `"a":1,`, `"a":9,`, 1)), 0o600)
}
