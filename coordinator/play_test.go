package coordinator

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/sandtable/sandtable/coordinator/gateway"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
	"github.com/sandtable/sandtable/results/jsonl"
	"github.com/sandtable/sandtable/scenarios"
)

const (
	sharedNotes = "../scenarios/library/shared-notes"
	axelrod     = "../scenarios/library/ipd-axelrod"
)

// setup says how a scenario is played.
type setup struct {
	sets    []string // --set
	seed    *uint64
	out     string // folder of the batch
	sandbox string
	claude  string
	change  func(*Options)
}

// played is a run that is over.
type played struct {
	*results.Run
	info    results.RunInfo
	err     error // of Run
	spent   Spent
	tally   gateway.Tally // the scripted model's own
	took    time.Duration
	sandbox string // the folder that the run's own was in
}

// folderOf writes a scenario that stands in a test, in the form of a txtar archive.
func folderOf(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(f.Data, []byte("#!")) {
			mode = 0o755
		}
		if err := os.WriteFile(name, f.Data, mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// play plays the first run of a scenario, and looks that it has left nothing.
func play(t *testing.T, folder string, s setup) *played {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	return playIn(t, ctx, folder, s)
}

func playIn(t *testing.T, ctx context.Context, folder string, s setup) *played {
	t.Helper()
	if s.out == "" {
		s.out = t.TempDir()
	}
	if s.sandbox == "" {
		s.sandbox = sandboxDir(t)
	}
	p, err := s.play(ctx, folder)
	if err != nil {
		t.Fatal(err)
	}
	if left := traces(s.sandbox); len(left) > 0 {
		t.Errorf("processes are left of the run: %v", left)
	}
	if left, err := os.ReadDir(s.sandbox); err != nil || len(left) > 0 {
		t.Errorf("the sandbox is left: %v, %v", left, err)
	}
	return p
}

// completed plays a run that has to go well.
func completed(t *testing.T, folder string, s setup) *played {
	t.Helper()
	p := play(t, folder, s)
	if p.err != nil || p.info.Status != results.Completed {
		t.Fatalf("the run is %s: %v", p.info.Status, p.err)
	}
	if err := history.Verify(p.History()); err != nil {
		t.Error(err)
	}
	return p
}

// sandboxDir is short enough for sockets to lie in it (see maxSandbox): else a coordinator
// that is killed would leave a folder for them elsewhere.
func sandboxDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(os.TempDir(), "st"+rand.Text()[:6])
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// play loads, expands and plays.
func (s setup) play(ctx context.Context, folder string) (*played, error) {
	plan, err := s.plan(folder)
	if err != nil {
		return nil, err
	}
	batch, err := results.CreateBatch(s.out, plan.Scenario.Name, time.Now())
	if err != nil {
		return nil, err
	}
	first := plan.Runs[0]
	info := results.RunInfo{Cell: first.Cell.ID, Replicate: first.Replicate, Seed: first.Seed, Status: results.Interrupted}
	p := &played{sandbox: s.sandbox}
	if p.Run, err = batch.CreateRun(info); err != nil {
		return nil, err
	}
	o := Options{Run: first, Dir: p.Run, Info: info, Sandbox: s.sandbox, Claude: s.claude}
	if s.change != nil {
		s.change(&o)
	}
	var script *gateway.Scripted
	opened := o.opened
	o.opened = func(r *run) {
		if script = r.script; opened != nil {
			opened(r)
		}
	}
	start := time.Now()
	p.spent, p.err = Run(ctx, o)
	p.took = time.Since(start)
	if script != nil {
		p.tally = script.Tally()
	}
	p.info, err = p.Info()
	return p, err
}

func (s setup) plan(folder string) (*scenarios.Plan, error) {
	sets, err := scenarios.ParseSet(s.sets)
	if err != nil {
		return nil, err
	}
	sc, err := scenarios.Load(folder, scenarios.LoadOptions{Sets: sets})
	if err != nil {
		return nil, err
	}
	return sc.Expand(scenarios.ExpandOptions{Seed: s.seed})
}

// client is the real Claude Code CLI; a test without it says so and is skipped.
func client(t *testing.T) string {
	t.Helper()
	path, err := findClient()
	if err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	return path
}

var findClient = sync.OnceValues(func() (string, error) {
	path, _, err := FindClaude(context.Background(), "", false)
	return path, err
})

// python skips a test, and says so, where there is none.
func python(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
}

// text is the whole of a file.
func text(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// records are those of a kind in a run's history.
func recordsOf[T history.Record](t *testing.T, p *played) []T {
	t.Helper()
	r, err := history.Open(p.History())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out []T
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec, ok := line.Record.(T); ok {
			out = append(out, rec)
		}
	}
}

// result is what a member of a turn's first stage handed in.
func (p *played) result(t *testing.T, turn int, agent string) history.Result {
	t.Helper()
	for _, s := range recordsOf[*history.Seal](t, p) {
		for _, r := range s.Results {
			if s.Turn == turn && r.Agent == agent {
				return r
			}
		}
	}
	t.Errorf("%s has no result in turn %d", agent, turn)
	return history.Result{}
}

// failures are all failed attempts as agent turn.stage.attempt category.
func (p *played) failures(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, s := range recordsOf[*history.Seal](t, p) {
		for _, r := range s.Results {
			for i, a := range r.Attempts {
				if a.Failure != nil {
					out = append(out, fmt.Sprintf("%s %d.%d.%d %s", r.Agent, s.Turn, s.Stage, i+1, a.Failure.Category))
				}
			}
		}
	}
	return out
}

func (p *played) end(t *testing.T) *history.End {
	t.Helper()
	ends := recordsOf[*history.End](t, p)
	if len(ends) != 1 {
		t.Fatalf("%d ends in the history; status %s, error %v", len(ends), p.info.Status, p.err)
	}
	return ends[0]
}

// outcome is one of the run's, as JSON.
func (p *played) outcome(t *testing.T, name string) string {
	t.Helper()
	for _, o := range p.end(t).Outcomes {
		if o.Name == name {
			data, err := json.Marshal(o.Value.V)
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
	}
	t.Errorf("there is no outcome %s", name)
	return ""
}

// scores are in one line: name value, sorted by name.
func (p *played) scores(t *testing.T) string {
	t.Helper()
	data, err := json.Marshal(p.end(t).Scores)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func rows[T any](t *testing.T, path string) []T {
	t.Helper()
	var out []T
	torn, err := jsonl.Each(path, func(row *T) error {
		out = append(out, *row)
		return nil
	})
	if err != nil || torn != nil {
		t.Fatalf("%s: %v, %v", path, torn, err)
	}
	return out
}

// events are those of a kind in the trace.
func (p *played) events(t *testing.T, kind, agent string) []results.TraceRow {
	t.Helper()
	var out []results.TraceRow
	for _, row := range rows[results.TraceRow](t, p.Trace()) {
		if row.Event == kind && (agent == "" || row.Agent == agent) {
			out = append(out, row)
		}
	}
	return out
}

// within waits until something holds, and fails the test if it does not in time.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	if !poll(limit, holds) {
		t.Fatalf("not within %v: %s", limit, what)
	}
}

// poll asks until something holds, and reports whether it did in time.
func poll(limit time.Duration, holds func() bool) bool {
	end := time.NewTimer(limit)
	defer end.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-end.C:
			return false
		}
	}
	return true
}

func decode(t *testing.T, data []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatal(err)
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
