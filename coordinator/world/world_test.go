package world

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
	star "github.com/sandtable/sandtable/sim/starlark"
	"github.com/sandtable/sandtable/sim/tree"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// spawn runs argv in a process group of its own, as a coordinator would; pid gets its
// number.
func spawn(pid *int, argv ...string) Spawn {
	return func(context.Context) (*Process, error) {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		stdin, err1 := cmd.StdinPipe()
		stdout, err2 := cmd.StdoutPipe()
		stderr, err3 := cmd.StderrPipe()
		if err := errors.Join(err1, err2, err3, cmd.Start()); err != nil {
			return nil, err
		}
		if pid != nil {
			*pid = cmd.Process.Pid
		}
		return &Process{
			Stdin: stdin, Stdout: stdout, Stderr: stderr,
			Kill: func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) },
			Wait: func() string {
				_ = cmd.Wait()
				return cmd.ProcessState.String()
			},
		}, nil
	}
}

func python(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	return path
}

// program opens a world program and closes it with the test.
func program(t testing.TB, cfg Config) *World {
	t.Helper()
	w, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// script is a world program in a line of Python: body sees m, the call, and reply.
func script(t testing.TB, body string) Config {
	code := "import json, os, sys, time\ndef say(**r): print(json.dumps(r), flush=True)\nfor line in sys.stdin:\n" +
		"    m = json.loads(line)\n    ok = dict(type='result', id=m['id'], value={})\n"
	for _, l := range strings.Split(body, "\n") {
		code += "    " + l + "\n"
	}
	return Config{Spawn: spawn(nil, python(t), "-c", code)}
}

// recorder keeps what a run consists of, as canonical JSON where that matters.
type recorder struct {
	t     *testing.T
	lines []string
	draws []*sim.Draw
}

func (r *recorder) Observe(rec sim.Record) error {
	switch rec := rec.(type) {
	case *sim.Revised:
		v := rec.State
		if s, ok := v.(sim.Valuer); ok {
			v = s.Value()
		}
		text, err := expr.Canonical(v)
		if err != nil {
			r.t.Error(err)
		}
		r.lines = append(r.lines, fmt.Sprintf("revision %d %s %s", rec.Revision, text, rec.Tree.Root()))
		for _, d := range rec.Mail {
			r.lines = append(r.lines, fmt.Sprintf("mail %+v", d))
		}
		for _, e := range rec.Eliminated {
			r.lines = append(r.lines, fmt.Sprintf("gone %+v", e))
		}
	case *sim.StageSealed:
		for _, s := range rec.Results {
			for _, a := range s.Attempts {
				r.lines = append(r.lines, fmt.Sprintf("attempt %v %v", a.Failure, a.Observation))
			}
		}
	case *sim.Draw:
		r.draws = append(r.draws, rec)
	case *sim.RunEnded:
		r.lines = append(r.lines, fmt.Sprintf("ended %s %v", rec.Result.Reason, rec.Result.Scores))
	}
	return nil
}

func config(w sim.World, turns int, wants ...[]int64) *sim.Config {
	cfg := &sim.Config{
		World: w, MaxTurns: turns, Serial: true, Actors: map[string]sim.Actor{}, Blobs: tree.NewMemory(),
		Params: map[string]any{"capacity": int64(100), "greed": int64(60)},
		Phases: []sim.Phase{{
			Name: "harvest", Order: sim.Simultaneous, Canonical: sim.BySeat, Failures: sim.DefaultFailures(),
			Action: func(*sim.AgentScope) (any, error) { return map[string]any{"type": "object"}, nil },
		}},
		Streams: sim.Streams{Seed: 7, Replicate: 1},
	}
	for i := range wants {
		seat := &sim.Seat{
			Name: string(rune('a' + i)), Entry: "fisher", Index: i + 1, Number: i,
			Read: tree.Globs{"**"}, Vars: map[string]any{"n": int64(i)},
		}
		cfg.Seats = append(cfg.Seats, seat)
		cfg.Actors[seat.Name] = sim.ActorFunc(func(_ context.Context, ask *sim.Ask) sim.Answer {
			want := wants[i][ask.Turn-1]
			if want < 0 {
				return sim.Answer{Pass: true}
			}
			return sim.Answer{Action: map[string]any{"want": want / int64(ask.Attempt)}}
		})
	}
	return cfg
}

func history(t *testing.T, cfg *sim.Config) *recorder {
	t.Helper()
	r := &recorder{t: t}
	cfg.Observer = r
	if _, err := sim.Play(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	return r
}

// The same rules in Starlark and in Python give the same run: states, files, mail,
// eliminations, observations, refusals and scores.
func TestMirrorsStarlark(t *testing.T) {
	tests := map[string][][]int64{
		"sustainable": {{10, 10, 10}, {10, 10, 10}, {10, 10, 10}},
		"collapse":    {{40, 1, 1}, {30, 1, 1}, {29, 1, 1}},
		"greed":       {{61, 0, 0}, {10, -1, 5}, {10, 7, 30}},
		"illegal":     {{120, 10, 300}, {0, 0, 0}, {1, -1, -1}},
	}
	rules, err := star.LoadWorld(os.DirFS("testdata").(star.Source), "fishery.star")
	if err != nil {
		t.Fatal(err)
	}
	for name, wants := range tests {
		t.Run(name, func(t *testing.T) {
			want := history(t, config(rules, 3, wants...))
			w := program(t, Config{Spawn: spawn(nil, python(t), "testdata/fishery.py")})
			got := history(t, config(w, 3, wants...))
			if diff := cmp.Diff(want.lines, got.lines); diff != "" {
				t.Error(diff)
			}
			if len(got.lines) < 7 {
				t.Errorf("a run of %d records proves nothing: %q", len(got.lines), got.lines)
			}
		})
	}
}

// What the program draws from its key is logged, and is the same for the same seed.
func TestDraws(t *testing.T) {
	var logged []string
	var mu sync.Mutex
	run := func(seed uint64) *recorder {
		w := program(t, Config{
			Spawn: spawn(nil, python(t), "testdata/die.py"),
			Tree:  func() string { return "/some/where" },
			Log:   func(s string) { mu.Lock(); logged = append(logged, s); mu.Unlock() },
		})
		cfg := config(w, 5, []int64{0, 0, 0, 0, 0})
		cfg.Streams.Seed = seed
		return history(t, cfg)
	}
	first, again, other := run(7), run(7), run(8)
	if diff := cmp.Diff(first.lines, again.lines); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(first.lines, other.lines) {
		t.Error("another seed, the same run")
	}
	if len(first.draws) != 5 || first.draws[0].Kind != "external" {
		t.Fatalf("draws: %+v", first.draws)
	}
	for i, d := range first.draws {
		key := sim.Streams{Seed: 7, Replicate: 1}.Key("turn", fmt.Sprint(i+1), "stage", "1", "world", "program")
		digest := sha256.Sum256(append(key[:], "die"...))
		if want := int64(1 + digest[0]%6); d.Result != want || !strings.HasSuffix(d.Stream, "die") {
			t.Errorf("turn %d: draw %v of %s, want %d", i+1, d.Result, d.Stream, want)
		}
	}
	if !strings.Contains(first.lines[len(first.lines)-2], "/some/where") {
		t.Errorf("no tree in %q", first.lines)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(logged) != 3 || logged[0] != "started" {
		t.Errorf("log: %q", logged)
	}
}

// Every fault of the program is a typed error, and the process is gone.
func TestFaults(t *testing.T) {
	tests := []struct {
		name, body string
		kind       Kind
		text       string
	}{
		{"crash", "sys.stderr.write('boom\\n'); sys.exit(3)", Crash, "exit status 3"},
		{"crash says why", "raise ValueError('no such rule')", Crash, "no such rule"},
		{"killed", "os.kill(os.getpid(), 9)", Crash, "killed"},
		{"torn", "sys.stdout.write('{\"type\":'); sys.exit(0)", Crash, "middle of a line of 8 bytes"},
		{"closes its output", "os.close(1); time.sleep(0.01)", Crash, "without an answer"},
		{"hangs", "time.sleep(60)", Timeout, "no answer within 200ms"},
		{"no JSON", "print('hello', flush=True)", Protocol, "hello"},
		{"wrong id", "say(type='result', id=99, value={})", Protocol, "call 99, while 1 is open"},
		{"error", "say(type='error', id=m['id'], text='the rules say no')", Refused, "the rules say no"},
		{"no state", "say(type='result', id=m['id'], value=[1])", Protocol, "want the state, an object, got a list"},
		{"null state", "say(type='result', id=m['id'])", Protocol, "got nothing"},
		{"bad effect", "say(**ok, effects=[{'delete': {}}])", Protocol, `"delete": there are write`},
		{"bad path", "say(**ok, effects=[{'write': {'path': '../x', 'text': ''}}])", Protocol, "effect 1, write: "},
		{"stranger", "say(**ok, effects=[{'eliminate': {'name': 'z'}}])", Protocol, `"z"`},
		{"bad draw", "say(**ok, draws=[{'value': 1}])", Protocol, "draw 1: name"},
		{"NaN", "say(type='result', id=m['id'], value={'x': float('nan')})", Protocol, "NaN"},
		{"flood", "while True: sys.stdout.write('x' * 1000000)", Protocol, "longer than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := script(t, tt.body)
			cfg.Timeout = 20 * time.Second
			if tt.kind == Timeout {
				cfg.Timeout = 200 * time.Millisecond
			}
			w := program(t, cfg)
			_, err := sim.Play(context.Background(), config(w, 1, []int64{0}))
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != tt.kind || e.Call != "setup" || !strings.Contains(err.Error(), tt.text) {
				t.Fatalf("error: %v (%+v), want %s with %q", err, e, tt.kind, tt.text)
			}
			if e.Exit == "" {
				t.Error("it does not say how the process ended")
			}
			_, again := w.Score(map[string]any{}, &sim.Ctx{})
			if !errors.Is(again, e) {
				t.Errorf("the next call: %v", again)
			}
		})
	}
}

// Each call is answered once: a second answer is a fault of the next call, or of this one
// if it comes before the whole call has been taken.
func TestTwoAnswers(t *testing.T) {
	w := program(t, script(t, "say(**ok)\nsay(**ok)"))
	_, err := sim.Play(context.Background(), config(w, 1, []int64{0}))
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Protocol || e.Call == "setup" || !strings.Contains(e.Text, "an answer to call 1, while 2 is open") {
		t.Errorf("%v", err)
	}
	hasty := "import json, os\nfor _ in range(2): print(json.dumps(dict(type='result', id=1, value={})), flush=True)\nos.read(0, 1); input()"
	w = program(t, Config{Spawn: spawn(nil, python(t), "-c", hasty)})
	_, err = w.Score(map[string]any{"big": strings.Repeat("x", 4<<20)}, &sim.Ctx{})
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Protocol || !strings.Contains(e.Text, "each call is answered once") {
		t.Errorf("before the call was taken: %v", err)
	}
}

// Answers that may not come from a call that only looks.
func TestLooksOnly(t *testing.T) {
	tests := []struct{ call, answer, text string }{
		{"observe", "dict(value=3)", "want an object or a text"},
		{"observe", "dict(value={}, effects=[{'remove': {'path': 'x'}}])", "belong to setup and resolve"},
		{"observe", "dict(value={}, draws=[{'name': 'x', 'value': 1}])", "belong to setup and resolve"},
		{"actions", "dict(value='x')", "want a schema or null"},
		{"check", "dict(value=True)", "want null or the reason, got a boolean"},
		{"done", "dict(value=True)", "want null or the reason, got a boolean"},
		{"score", "dict(value={'z': 1})", `"z" is no agent`},
		{"score", "dict(value={'a': 'x'})", "the score of a: want a number"},
	}
	for _, tt := range tests {
		w := program(t, script(t, "say(**(ok if m['call'] in ('setup', 'resolve') else dict(type='result', id=m['id'], value=None)"+
			" if m['call'] != '"+tt.call+"' else dict(type='result', id=m['id'], **"+tt.answer+")))"))
		cfg := config(w, 1, []int64{0})
		cfg.Observer = &recorder{t: t} // so that observations are asked for
		_, err := sim.Play(context.Background(), cfg)
		if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Protocol || e.Call != tt.call || !strings.Contains(e.Text, tt.text) {
			t.Errorf("%s %s: %v", tt.call, tt.answer, err)
		}
	}
}

// A program that answers null to everything but setup is a world without rules.
func TestNullAnswers(t *testing.T) {
	w := program(t, script(t, "say(type='result', id=m['id'], value={'kept': 1.0} if m['call'] == 'setup' else None)"))
	cfg := config(w, 2, []int64{1, 1})
	res, err := sim.Play(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"kept": int64(1)}, res.State); diff != "" {
		t.Error(diff)
	}
	if res.Reason != "max" || len(res.Scores) != 0 {
		t.Errorf("%+v", res)
	}
}

// A timeout ends the whole process group: the program and what it started.
func TestNothingIsLeft(t *testing.T) {
	var pid int
	w := program(t, Config{
		Spawn:   spawn(&pid, "/bin/sh", "-c", "sleep 1000 & sleep 1000"),
		Timeout: 100 * time.Millisecond,
	})
	_, err := w.Score(map[string]any{}, &sim.Ctx{})
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Timeout {
		t.Fatal(err)
	}
	if err := syscall.Kill(-pid, 0); !errors.Is(err, syscall.ESRCH) {
		// Killed children may wait a moment for init to reap them.
		if left, _ := exec.Command("ps", "-o", "stat=", "-g", fmt.Sprint(pid)).Output(); strings.ContainsAny(string(left), "SR") {
			t.Errorf("processes of group %d are left: %s", pid, left)
		}
	}
}

// A call larger than a pipe's buffer, to a program that does not read, ends in time.
func TestUnreadInput(t *testing.T) {
	w := program(t, Config{Spawn: spawn(nil, "/bin/sleep", "1000"), Timeout: 100 * time.Millisecond})
	_, err := w.Score(map[string]any{"big": strings.Repeat("x", 4<<20)}, &sim.Ctx{})
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Timeout {
		t.Fatal(err)
	}
}

// Large states pass both ways, and calls of many goroutines do not mix.
func TestConcurrentCalls(t *testing.T) {
	w := program(t, script(t, "say(type='result', id=m['id'], value={'echo': m['state'], 'for': m['agent']['name']})"))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := fmt.Sprint("seat-", i)
			state := map[string]any{"text": strings.Repeat(name, 20000)}
			got, err := w.Observe(state, &sim.Seat{Name: name}, &sim.Ctx{})
			if diff := cmp.Diff(map[string]any{"echo": any(state), "for": name}, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
	wg.Wait()
}

func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cfg := script(t, "time.sleep(60)")
	w, err := Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := w.Score(map[string]any{}, &sim.Ctx{})
		done <- err
	}()
	why := errors.New("the operator said so")
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Error(err)
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Error(err)
	}
	if e, ok := errors.AsType[*Error](func() error { _, err := w.Score(nil, &sim.Ctx{}); return err }()); !ok || e.Kind != Stopped {
		t.Error(e)
	}
}

func TestCannotStart(t *testing.T) {
	_, err := Open(context.Background(), Config{Spawn: spawn(nil, "/no/such/program")})
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Start || !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// The limit on a line counts bytes, also beyond the reader's buffer.
func TestReadLine(t *testing.T) {
	const most = 1 << 20
	for _, tt := range []struct {
		size int
		want error
	}{{most, nil}, {most + 1, errTooLong}} {
		got, err := readLine(newReader(strings.NewReader(strings.Repeat("x", tt.size-1)+"\n{}\n")), most)
		if !errors.Is(err, tt.want) || err == nil && len(got) != tt.size {
			t.Errorf("%d bytes: %d, %v", tt.size, len(got), err)
		}
	}
	got, err := readLine(newReader(strings.NewReader("torn")), most)
	if string(got) != "torn" || !errors.Is(err, io.EOF) {
		t.Errorf("%q, %v", got, err)
	}
}

// The world in the package comment works.
func TestDocExample(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "A whole world in Python:\n//\n")
	var code strings.Builder
	for l := range strings.Lines(after) {
		line, ok := strings.CutPrefix(l, "//\t")
		if !ok && strings.TrimSpace(l) != "//" {
			break
		}
		code.WriteString(line)
		if !ok {
			code.WriteString("\n")
		}
	}
	w := program(t, Config{Spawn: spawn(nil, python(t), "-c", strings.ReplaceAll(code.String(), "//\n", "\n"))})
	r := history(t, config(w, 3, []int64{1, 1, 1}, []int64{1, 1, 1}))
	last := r.lines[len(r.lines)-1]
	var a, b int
	if n, err := fmt.Sscanf(last, "ended max map[a:%d b:%d]", &a, &b); n != 2 || err != nil || a != b || a < 3 || a > 18 || len(r.draws) != 3 {
		t.Errorf("%s, %d draws", last, len(r.draws))
	}
}
