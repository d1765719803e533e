package claude_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sandtable/sandtable/coordinator/agent"
	"github.com/sandtable/sandtable/coordinator/agent/claude"
	"github.com/sandtable/sandtable/coordinator/agent/mcp"
	"github.com/sandtable/sandtable/sim"
)

// TestMain makes the test binary a fake client when it is started as one.
func TestMain(m *testing.M) {
	if mode := os.Getenv("FAKE_CLIENT"); mode != "" {
		fake(mode)
		return
	}
	os.Setenv("HIDDEN_FROM_AGENTS", "1")
	goleak.VerifyTestMain(m)
}

// options are valid options with directories of their own; the process is started
// without a supervisor, in a PID namespace where that is possible, so that a kill
// reaches its children.
func options(t *testing.T) claude.Options {
	t.Helper()
	base := t.TempDir()
	o := claude.Options{
		Name: "a1", Run: "r1", Binary: "/bin/false", Model: "claude-opus-5-5", Prompt: "You are a1.",
		Dir: filepath.Join(base, "view"), Home: filepath.Join(base, "home"), Tmp: filepath.Join(base, "tmp"),
		ConfigDir: filepath.Join(base, "config"), RuntimeDir: filepath.Join(base, "run"),
		BaseURL: "http://127.0.0.1:1/a/a1", Key: "key-a1", Start: start,
		Desk: agent.NewDesk(agent.DeskOptions{Neutral: agent.Neutral(filepath.Join(base, "view"))}),
	}
	o.Server = mcp.NewServer(o.Desk, nil, nil)
	for _, d := range []string{o.Dir, o.Home, o.Tmp, o.RuntimeDir} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := claude.Seed(o.ConfigDir, o.Name); err != nil {
		t.Fatal(err)
	}
	return o
}

func start(_ context.Context, argv, env []string, dir string) (*claude.Process, error) {
	attr := &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() == 0 {
		attr.Cloneflags = syscall.CLONE_NEWPID
	}
	return startWith(attr, argv, env, dir)
}

// startAlone starts a process whose children survive its kill.
func startAlone(_ context.Context, argv, env []string, dir string) (*claude.Process, error) {
	return startWith(&syscall.SysProcAttr{}, argv, env, dir)
}

func startWith(attr *syscall.SysProcAttr, argv, env []string, dir string) (*claude.Process, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = env, dir, attr
	p := &claude.Process{}
	var err error
	if p.Stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr, p.Stdout, p.Stderr = outW, errW, outR, errR
	err = cmd.Start()
	outW.Close()
	errW.Close()
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	var exit string
	go func() {
		defer close(done)
		_ = cmd.Wait()
		exit = cmd.ProcessState.String()
	}()
	p.PID, p.Done = cmd.Process.Pid, done
	p.Exit = func() string { return exit }
	p.Kill = func() {
		if attr.Setsid {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		_ = cmd.Process.Kill()
	}
	return p, nil
}

func create(t *testing.T, o claude.Options) *claude.Agent {
	t.Helper()
	a, err := claude.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := a.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return a
}

func started(t *testing.T, o claude.Options) *claude.Agent {
	t.Helper()
	a := create(t, o)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := a.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return a
}

// rules refuses one number, so that legality beyond the schema shows.
type rules struct{ sim.Rules }

func (rules) Check(_ sim.State, _ *sim.Seat, action any, _ *sim.Ctx) (string, error) {
	if action.(map[string]any)["want"] == int64(13) {
		return "13 is not allowed here", nil
	}
	return "", nil
}

// turn plays one attempt of a stage that wants a number, within d.
func turn(t *testing.T, a *claude.Agent, d time.Duration, limits ...sim.ActLimits) sim.Sealed {
	t.Helper()
	phase := number()
	if len(limits) > 0 {
		phase.Limits = func(*sim.Seat) sim.ActLimits { return limits[0] }
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return play(t, ctx, a, phase)
}

// number is a stage that wants a number.
func number() sim.Phase {
	return sim.Phase{Action: func(*sim.AgentScope) (any, error) {
		return map[string]any{"want": map[string]any{"type": "integer"}}, nil
	}}
}

// talk plays one attempt of a stage that wants words.
func talk(t *testing.T, a *claude.Agent) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if got := play(t, ctx, a, sim.Phase{Optional: true}); got.Status != sim.Committed {
		t.Fatalf("%+v", got)
	}
}

// play plays one attempt; the context is the act's.
func play(t *testing.T, ctx context.Context, a *claude.Agent, phase sim.Phase) sim.Sealed {
	t.Helper()
	return prompted(t, ctx, a, phase, "Play turn.")
}

func prompted(t *testing.T, ctx context.Context, a *claude.Agent, phase sim.Phase, prompt string) sim.Sealed {
	t.Helper()
	phase.Name = "only"
	phase.Failures = sim.DefaultFailures()
	phase.Failures.Illegal.Retry, phase.Failures.Crash.Retry = 0, 0
	phase.Mail = func(*sim.Scope) ([]string, error) { return []string{"a", "b"}, nil }
	var got sim.Sealed
	act := sim.ActorFunc(func(_ context.Context, ask *sim.Ask) sim.Answer {
		return a.Act(ctx, ask, prompt)
	})
	silent := sim.ActorFunc(func(context.Context, *sim.Ask) sim.Answer { return sim.Answer{Pass: true} })
	_, err := sim.Play(context.Background(), &sim.Config{
		Seats:    []*sim.Seat{{Name: "a", Entry: "a"}, {Name: "b", Entry: "b", Number: 1}},
		Actors:   map[string]sim.Actor{"a": act, "b": silent},
		World:    rules{},
		Phases:   []sim.Phase{phase},
		MaxTurns: 1,
		Serial:   true,
		Observer: observe(func(r sim.Record) {
			if s, ok := r.(*sim.StageSealed); ok {
				for _, m := range s.Results {
					if m.Agent == "a" {
						got = m
					}
				}
			}
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Attempts {
		got.Attempts[i].Prompt = ""
	}
	return got
}

type observe func(sim.Record)

func (o observe) Observe(r sim.Record) error { o(r); return nil }

// recorded keeps what the trace was told.
type recorded struct {
	mu    sync.Mutex
	kinds []string
	data  []any
}

func (r *recorded) add(kind string, data any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kinds, r.data = append(r.kinds, kind), append(r.data, data)
}

func (r *recorded) count(kind string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, k := range r.kinds {
		if k == kind {
			n++
		}
	}
	return n
}

func (r *recorded) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.kinds...)
}
