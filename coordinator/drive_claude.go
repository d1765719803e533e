package coordinator

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/sandtable/sandtable/coordinator/agent"
	"github.com/sandtable/sandtable/coordinator/agent/claude"
	"github.com/sandtable/sandtable/coordinator/agent/mcp"
	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/coordinator/gateway"
	"github.com/sandtable/sandtable/sim"
)

// claudeDriver is a Claude Code process in a seat.
type claudeDriver struct {
	agent *claude.Agent
	files *mcp.View
	proc  atomic.Pointer[process.Process]
	err   io.Closer // the file that gets its stderr
}

func (r *run) newClaude(s *seat) (driver, error) {
	d := &claudeDriver{}
	places, err := r.places(s.name)
	if err != nil {
		return nil, err
	}
	if d.files, err = mcp.OpenView(s.view.Dir()); err != nil {
		return nil, err
	}
	o, err := r.claudeOptions(s, d, places)
	if err != nil {
		return nil, err
	}
	d.agent, err = claude.New(*o)
	return d, err
}

func (r *run) claudeOptions(s *seat, d *claudeDriver, p places) (*claude.Options, error) {
	account, err := r.gateway.Register(s.name, gateway.AgentOptions{View: s.view.Dir(), Homes: p.list()})
	if err != nil {
		return nil, err
	}
	if err := claude.Seed(p.config, s.name); err != nil {
		return nil, err
	}
	stderr, err := r.agentFile(s.name, "stderr")
	if err != nil {
		return nil, err
	}
	d.err = stderr
	desk := r.newDesk(s)
	pl := s.spec
	return &claude.Options{
		Name: s.name, Run: r.id(), Binary: r.opts.Claude, Model: pl.Model, Prompt: pl.Prompt, Replace: pl.Replace,
		Tools: pl.Tools, PhaseTools: pl.PhaseTools, Allow: pl.Allow, Deny: pl.Deny, Servers: pl.Servers, Subagents: pl.Subagents,
		Flags: pl.Options, Steps: r.mostSteps(s.name), Scripted: true, SessionID: sessionID(r.plan.Streams, s.name),
		Dir: s.view.Dir(), Home: p.home, Tmp: p.tmp, ConfigDir: p.config, RuntimeDir: p.runtime,
		BaseURL: account.BaseURL, Key: account.Key, Env: pl.Env,
		Start: r.starter(s, d), Desk: desk, Server: mcp.NewServer(desk, d.files, viewStatus{s}),
		FileAction: d.files.Read, Trace: r.agentTrace(s), Stderr: stderr,
	}, nil
}

// mostSteps is the highest of a seat's limits over the phases. The process is started once
// with it; each act's own is the driver's to keep.
func (r *run) mostSteps(name string) int {
	n := r.seatNumber(name)
	most := 0
	for i := range r.plan.Phases {
		if p := &r.plan.Phases[i]; p.Limits != nil {
			most = max(most, p.Limits(r.plan.Seats[n]).Steps)
		}
	}
	return most
}

// sessionID names the conversation by the run's seed tree: the same run has the same
// sessions, and two agents never share one.
func sessionID(streams sim.Streams, name string) string {
	k := streams.Key("session", name)
	k[6], k[8] = k[6]&0x0f|0x40, k[8]&0x3f|0x80 // a version 4 UUID in form
	return fmt.Sprintf("%x-%x-%x-%x-%x", k[0:4], k[4:6], k[6:8], k[8:10], k[10:16])
}

// starter starts the client under the run's supervisor and remembers its process.
func (r *run) starter(s *seat, d *claudeDriver) claude.Starter {
	return func(ctx context.Context, argv, env []string, dir string) (*claude.Process, error) {
		p, err := r.procs.Spawn(ctx, process.Spec{Name: s.name, Argv: argv, Env: env, Dir: dir})
		if err != nil {
			return nil, err
		}
		d.proc.Store(p)
		return &claude.Process{
			Stdin: p.Stdin, Stdout: p.Stdout, Stderr: p.Stderr, PID: p.PID(), Done: p.Done(),
			Exit: func() string { return p.Exit().String() },
			Kill: func() { r.killed(s.name, p) },
		}, nil
	}
}

func (d *claudeDriver) start(ctx context.Context) error { return d.agent.Start(ctx) }

func (d *claudeDriver) act(ctx context.Context, ask *sim.Ask, prompt string) sim.Answer {
	return d.agent.Act(ctx, ask, prompt)
}

func (d *claudeDriver) process() *process.Process {
	if p := d.proc.Load(); p != nil && !gone(p) {
		return p
	}
	return nil
}

// fail: the client learns of a failed turn from its next prompt.
func (d *claudeDriver) fail(context.Context, string, *sim.Failure) {}

func (d *claudeDriver) end(ctx context.Context, _ goodbye) error {
	_, err := d.agent.Close(ctx)
	if p := d.proc.Load(); p != nil {
		if kill := p.Kill(ctx); err == nil {
			err = kill
		}
	}
	d.files.Close()
	d.err.Close()
	return err
}

// newDesk is where a seat's tool calls land; texts that leave the agent name files
// relative to its view.
func (r *run) newDesk(s *seat) *agent.Desk {
	return agent.NewDesk(agent.DeskOptions{
		Neutral: agent.Neutral(s.view.Dir()),
		Stale:   func(st agent.Stale) { r.trace.event("stale", at{agent: s.name}, "", st) },
	})
}

func (r *run) agentTrace(s *seat) func(string, any) {
	return func(kind string, data any) {
		r.trace.alive()
		r.trace.event(kind, at{agent: s.name}, "", data)
	}
}

// killed ends a process tree; that something of it is left is a failure of the harness.
func (r *run) killed(name string, p *process.Process) {
	ctx, cancel := context.WithTimeout(context.Background(), killLimit)
	defer cancel()
	if err := p.Kill(ctx); err != nil {
		r.harnessFailed(fmt.Errorf("agent %s: %w", name, err))
	}
}

// viewStatus tells an agent what became of its own changes.
type viewStatus struct{ s *seat }

// Status lists what the view holds besides what it was given: it is the agent's own view,
// its own call, and it runs meanwhile.
func (v viewStatus) Status() (mcp.Status, error) {
	ws, refused, err := v.s.view.Peek(context.Background())
	if err != nil {
		return mcp.Status{}, err
	}
	st := mcp.Status{Changed: ws.Paths()}
	for _, f := range refused {
		st.Notices = append(st.Notices, f.String())
	}
	dirs, err := filepath.Glob(filepath.Join(v.s.view.Dir(), ".sandtable", "conflicts", "*"))
	for _, d := range dirs {
		st.Conflicts = append(st.Conflicts, filepath.ToSlash(filepath.Join(".sandtable", "conflicts", filepath.Base(d))))
	}
	return st, err
}

// places are an agent's own directories.
type places struct{ home, tmp, config, runtime string }

func (p places) list() []string { return []string{p.config, p.runtime, p.home, p.tmp} }

func (r *run) places(name string) (places, error) {
	home, err := r.ws.HomeDir(name)
	if err != nil {
		return places{}, err
	}
	tmp, err := r.ws.TmpDir(name)
	if err != nil {
		return places{}, err
	}
	p := places{home: home, tmp: tmp, config: filepath.Join(home, "config"), runtime: filepath.Join(tmp, "run")}
	if r.runtimes != "" {
		p.runtime = filepath.Join(r.runtimes, filepath.Base(tmp))
	}
	for _, dir := range []string{p.config, p.runtime} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return p, err
		}
	}
	return p, nil
}
