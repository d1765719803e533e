package program

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/sim"
)

func TestMain(m *testing.M) {
	if handled, code := process.Main(os.Args); handled {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

// bench is a driver for one program, and what its trace heard.
type bench struct {
	*Driver
	t      *testing.T
	mu     sync.Mutex
	trace  []string
	spawns int
}

// newBench drives argv; opts may change the driver's options.
func newBench(t *testing.T, argv []string, opts ...func(*Options)) *bench {
	t.Helper()
	t.TempDir() // before the supervisor, so that it is removed after it
	s, err := process.Start(t.Context(), process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	b := &bench{t: t}
	o := Options{
		Hello: Hello{Name: "a", Role: "fisher", Vars: map[string]any{"k": int64(1)}, Prompt: "You are a.", View: dir, MCP: "http://127.0.0.1:1"},
		Log:   hclog.NewNullLogger(), Grace: 300 * time.Millisecond,
		Spawn: func(ctx context.Context) (*process.Process, error) {
			b.spawns++
			return s.Spawn(ctx, process.Spec{Name: "a", Argv: argv, Dir: dir, Env: []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}})
		},
		Trace: func(kind string, data any) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.trace = append(b.trace, fmt.Sprintf("%s %v", kind, data))
		},
	}
	for _, f := range opts {
		f(&o)
	}
	b.Driver = New(o)
	t.Cleanup(func() {
		b.Close()
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

// traced counts the trace's entries of a kind.
func (b *bench) traced(kind string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.trace {
		if strings.HasPrefix(s, kind+" ") {
			n++
		}
	}
	return n
}

func sh(script string) []string { return []string{"sh", "-c", script} }

// greet is the beginning of most shell programs here.
const greet = `read hello; echo '{"type":"ready"}'; `

func python(t *testing.T, script string) []string {
	t.Helper()
	out, err := exec.Command("python3", "-c", "import os,sys; print(os.path.realpath(sys.executable))").Output()
	if err != nil {
		t.Skip("NOT TESTED: no python3: ", err)
	}
	file := filepath.Join(t.TempDir(), "agent.py")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{strings.TrimSpace(string(out)), "-I", file}
}

// game is how a test plays: two seats, of which a is the program's and b says something
// to it in turn 1.
type game struct {
	turns    int
	act      time.Duration // 0: a minute
	failures sim.Failures
	noSchema bool
	optional bool
	via      sim.ViaKind
	each     func(ask *sim.Ask, a sim.Answer) // after each attempt
}

func (b *bench) play(g game) []sim.Sealed {
	b.t.Helper()
	var out []sim.Sealed
	prompt := func(*sim.AgentScope) (string, error) { return "How much?", nil }
	phase := sim.Phase{Name: "harvest", Prompt: prompt, Action: want, Optional: g.optional, Failures: g.failures,
		Mail: func(*sim.Scope) ([]string, error) { return []string{"a", "b"}, nil }}
	if phase.Failures == (sim.Failures{}) {
		phase.Failures = sim.DefaultFailures()
	}
	phase.Failures.Crash.Then, phase.Failures.Transport.Then = sim.ThenPass, sim.ThenPass
	if g.noSchema {
		phase.Action = nil
	}
	phase.Via.Kind = g.via
	_, err := sim.Play(context.Background(), &sim.Config{
		Seats:    []*sim.Seat{{Name: "a", Entry: "a"}, {Name: "b", Entry: "b", Number: 1}},
		Actors:   map[string]sim.Actor{"a": b.actor(g), "b": sim.ActorFunc(b.other)},
		World:    world{},
		Phases:   []sim.Phase{phase},
		MaxTurns: max(g.turns, 1),
		Observer: observe(func(r sim.Record) {
			if s, ok := r.(*sim.StageSealed); ok {
				for _, m := range s.Results {
					if m.Agent == "a" {
						out = append(out, m)
					}
				}
			}
		}),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bench) actor(g game) sim.Actor {
	return sim.ActorFunc(func(ctx context.Context, ask *sim.Ask) sim.Answer {
		if f := b.Start(ctx); f != nil {
			return sim.Answer{Failure: f.(*sim.Failure)}
		}
		limit := g.act
		if limit == 0 {
			limit = time.Minute
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		prompt, err := ask.Prompt()
		if err != nil {
			b.t.Error(err)
		}
		a := b.Act(ctx, ask, prompt)
		if g.each != nil {
			g.each(ask, a)
		}
		return a
	})
}

func (b *bench) other(_ context.Context, ask *sim.Ask) sim.Answer {
	if ask.Turn > 1 || ask.Schema == nil {
		return sim.Answer{Pass: true}
	}
	return sim.Answer{Action: map[string]any{"want": int64(1)}, Mail: []sim.Letter{{To: "a", Text: "hi <a>"}}}
}

// world refuses the number 13.
type world struct{ sim.Rules }

func (world) Observe(sim.State, *sim.Seat, *sim.Ctx) (any, error) {
	return map[string]any{"stock": int64(80)}, nil
}

func (world) Check(_ sim.State, _ *sim.Seat, action any, _ *sim.Ctx) (string, error) {
	if action.(map[string]any)["want"] == int64(13) {
		return "13 is unlucky", nil
	}
	return "", nil
}

func want(*sim.AgentScope) (any, error) {
	return map[string]any{"want": map[string]any{"type": "integer", "maximum": int64(99)}}, nil
}

type observe func(sim.Record)

func (o observe) Observe(r sim.Record) error { o(r); return nil }
