package coordinator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sandtable/sandtable/coordinator/agent"
	"github.com/sandtable/sandtable/coordinator/agent/mcp"
	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/coordinator/agent/program"
	"github.com/sandtable/sandtable/coordinator/gateway"
	"github.com/sandtable/sandtable/sim"
)

// programDriver is any program in a seat.
type programDriver struct {
	*program.Driver
	name  string
	desk  *agent.Desk
	files *mcp.View
	err   io.Closer
}

func (r *run) newProgram(s *seat) (driver, error) {
	p, err := r.places(s.name)
	if err != nil {
		return nil, err
	}
	d := &programDriver{name: s.name, desk: r.newDesk(s)}
	if d.files, err = mcp.OpenView(s.view.Dir()); err != nil {
		return nil, err
	}
	stderr, err := r.agentFile(s.name, "stderr")
	if err != nil {
		return nil, err
	}
	d.err = stderr
	access, err := r.access(s, d, p)
	if err != nil {
		return nil, err
	}
	spec, err := r.programSpec(s, p, access)
	if err != nil {
		return nil, err
	}
	seat := r.plan.Seats[r.seatNumber(s.name)]
	d.Driver = program.New(program.Options{
		Spawn: func(ctx context.Context) (*process.Process, error) { return r.procs.Spawn(ctx, spec) },
		Hello: program.Hello{
			Name: s.name, Role: seat.Role, Vars: seat.Vars, Prompt: s.spec.Prompt, View: s.view.Dir(), MCP: access.mcp,
		},
		Log: r.log.Named(s.name), Trace: r.agentTrace(s), Stderr: stderr, Neutral: agent.Neutral(s.view.Dir()),
	})
	return d, nil
}

// access is what a program may talk to, each with a key of its own.
type access struct{ url, key, mcp, token string }

func (r *run) access(s *seat, d *programDriver, p places) (access, error) {
	account, err := r.gateway.Register(s.name, gateway.AgentOptions{View: s.view.Dir(), Homes: p.list(), OwnRequests: true})
	if err != nil {
		return access{}, err
	}
	token := rand.Text()
	url, err := r.mcp.Add(s.name, token, mcp.NewServer(d.desk, d.files, viewStatus{s}))
	return access{account.BaseURL, account.Key, url, token}, err
}

// programSpec is the program's command line and its whole environment.
func (r *run) programSpec(s *seat, p places, a access) (process.Spec, error) {
	argv, err := r.copyApp(s.spec.Command, filepath.Join(p.home, "app"))
	if err != nil {
		return process.Spec{}, err
	}
	env := map[string]string{
		"PATH": searchPath(), "TZ": "UTC", "LANG": "C.UTF-8", "HOME": p.home, "TMPDIR": p.tmp,
		"XDG_RUNTIME_DIR": p.runtime, "CLAUDE_CONFIG_DIR": p.config, "PYTHONDONTWRITEBYTECODE": "1",
		"ANTHROPIC_BASE_URL": a.url, "ANTHROPIC_AUTH_TOKEN": a.key,
		"SANDTABLE_AGENT": s.name, "SANDTABLE_MCP_URL": a.mcp, "SANDTABLE_MCP_TOKEN": a.token,
	}
	maps.Copy(env, s.spec.Env)
	return process.Spec{Name: s.name, Argv: argv, Env: envList(env), Dir: s.view.Dir()}, nil
}

func envList(env map[string]string) []string {
	out := make([]string, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		out = append(out, k+"="+env[k])
	}
	return out
}

// searchPath is the only thing of our own environment that agents share: without it no
// program that a scenario names would be found.
func searchPath() string {
	if p := os.Getenv("PATH"); p != "" {
		return p
	}
	return "/usr/local/bin:/usr/bin:/bin"
}

// copyApp gives a program the scenario files that its command names, and the scenario's
// folder app, in a place of its own, and returns the command with their paths put in.
func (r *run) copyApp(command []string, dir string) ([]string, error) {
	files := r.scenario.Files
	argv := slices.Clone(command)
	need := files.Under("app")
	for i, arg := range command {
		name := strings.TrimPrefix(arg, "./")
		if !files.Has(name) {
			continue
		}
		argv[i] = filepath.Join(dir, filepath.FromSlash(name))
		need = append(need, name)
	}
	for _, name := range need {
		if err := copyOut(files.Read, files.Name(name), name, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return nil, err
		}
	}
	return argv, nil
}

// copyOut writes one scenario file, executable if it was.
func copyOut(read func(string) ([]byte, error), from, name, to string) error {
	data, err := read(name)
	if err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if info, err := os.Stat(from); err == nil && info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("copying %s for a program: %w", name, err)
	}
	return os.WriteFile(to, data, mode)
}

func (d *programDriver) start(ctx context.Context) error { return d.Driver.Start(ctx) }

// act opens the desk too, so that what the program does by its MCP tools counts beside
// what it says in its move.
func (d *programDriver) act(ctx context.Context, ask *sim.Ask, prompt string) sim.Answer {
	d.desk.Open(ask)
	ans := d.Driver.Act(ctx, ask, prompt)
	ans.Draws = 1 // it was given its key; how often it drew is not known, and not that it did not
	hand := d.desk.Close()
	if ans.Failure != nil {
		return ans
	}
	if ask.Schema != nil && ask.Via.Kind == sim.ViaFile && ans.Action == nil {
		d.fromFile(ask, &ans, hand)
	}
	mergeHand(&ans, hand)
	return ans
}

// fromFile takes the action from the view, where a phase wants it in a file: a move without
// an action says that the file is ready. Without a file the move is what it is anywhere
// else, so that a program can pass.
func (d *programDriver) fromFile(ask *sim.Ask, ans *sim.Answer, hand agent.Hand) {
	data, err := d.files.Read(ask.Via.File)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	a := hand.AnswerFile(ask, ans.Say, data, err)
	ans.Failure, ans.Action, ans.Say, ans.Pass = a.Failure, a.Action, a.Say, a.Pass
}

// mergeHand adds what came by tools: the move's own action, if it has one, came last
// and counts; letters are sent in the order in which they were handed in.
func mergeHand(ans *sim.Answer, hand agent.Hand) {
	ans.Mail = append(hand.Mail, ans.Mail...)
	if ans.Action == nil && hand.Action != nil {
		ans.Action, ans.Pass = hand.Action, false
		if ans.Say == "" {
			ans.Say = hand.Say
		}
	}
	if len(ans.Mail) > 0 {
		ans.Pass = ans.Pass && hand.Passed
	}
}

func (d *programDriver) process() *process.Process { return d.Driver.Process() }

func (d *programDriver) fail(ctx context.Context, id string, f *sim.Failure) {
	d.Driver.Fail(ctx, id, f)
}

func (d *programDriver) end(ctx context.Context, bye goodbye) error {
	d.Driver.End(ctx, bye.reason, bye.truncated, bye.score(d.name))
	d.Driver.Close()
	d.files.Close()
	d.err.Close()
	return nil
}
