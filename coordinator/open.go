package coordinator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/sandtable/sandtable/coordinator/agent/mcp"
	"github.com/sandtable/sandtable/coordinator/agent/process"
	"github.com/sandtable/sandtable/coordinator/gateway"
	"github.com/sandtable/sandtable/coordinator/workspace"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
	"github.com/sandtable/sandtable/results/jsonl"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// open opens the run's parts in order. Whatever has been opened when one fails is
// closed by close.
func (r *run) open() error {
	for _, step := range []func() error{
		r.openLogs, r.openSandbox, r.openRuntimes, r.openPlan, r.openProcesses, r.openGateway, r.openMCP, r.openSeats, r.describe,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) openLogs() error {
	out, err := r.opts.Dir.OpenTrace()
	if err != nil {
		return err
	}
	r.onClose(func(context.Context) error { return out.Close() })
	r.trace = &trace{out: out, log: r.log, start: r.start}
	if r.ledger, err = r.opts.Dir.OpenLedger(jsonl.Options{}); err != nil {
		return err
	}
	r.onClose(func(context.Context) error { return r.ledger.Close() })
	if r.intake, err = r.opts.Dir.OpenIntake(jsonl.Options{}); err != nil {
		return err
	}
	r.onClose(func(context.Context) error { return r.intake.Close() })
	if r.history, err = r.opts.Dir.CreateHistory(history.Options{Sync: !r.opts.NoSync}); err != nil {
		return err
	}
	r.onClose(func(context.Context) error { return r.history.Close() })
	return nil
}

// openSandbox makes a fresh folder with a short name that tells nothing of the run.
func (r *run) openSandbox() error {
	if r.opts.Sandbox != "" {
		if err := os.MkdirAll(r.opts.Sandbox, 0o711); err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
	}
	dir, err := os.MkdirTemp(r.opts.Sandbox, "st-")
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	r.sandbox = dir
	r.onClose(func(context.Context) error {
		if err := removeAll(dir); err != nil { // an agent's doing, and everything is kept
			r.log.Warn("the sandbox cannot be removed", "folder", dir, "error", err)
			r.trace.event("sandbox.left", at{}, err.Error(), nil)
		}
		return nil
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	r.ws, err = workspace.Open(workspace.Options{
		Dir: dir, Journal: r.opts.Dir.Journal(), Ignore: tree.Globs(r.scenario.Workspace.Ignore),
		Log: r.log.Named("workspace"), NoSync: r.opts.NoSync,
	})
	if err != nil {
		return err
	}
	r.onClose(func(context.Context) error { return r.ws.Close() })
	return nil
}

// openProcesses starts the supervisor if anything of the run is a process.
func (r *run) openProcesses() error {
	if !r.needsProcesses() {
		return nil
	}
	return r.supervise()
}

// supervise starts the supervisor, unless it is there: a world program needs it before
// the scenario is bound.
func (r *run) supervise() error {
	if r.procs != nil {
		return nil
	}
	var err error
	if r.procs, err = process.Start(r.ctx, process.Options{Log: r.log.Named("supervisor")}); err != nil {
		return err
	}
	var closing atomic.Bool
	watched := make(chan struct{})
	r.onClose(func(ctx context.Context) error {
		closing.Store(true)
		r.kills.Wait()
		err := r.procs.Close(ctx)
		<-watched
		return err
	})
	go func() {
		defer close(watched)
		if <-r.procs.Done(); !closing.Load() {
			r.harnessFailed(process.ErrSupervisor)
		}
	}()
	return nil
}

// openGateway starts the model's API if any seat may ask it.
func (r *run) openGateway() error {
	if !r.needsModel() {
		return nil
	}
	script := ""
	if up := r.scenario.Upstream; up != nil {
		script = up.Script
	}
	var err error
	r.script, err = gateway.NewScripted(gateway.ScriptedOptions{
		Files: folder{r.scenario.Files}, Script: script, Key: r.plan.Streams.Key, Canned: r.canned, Delay: r.opts.Delay,
		Fault: r.harnessFailed,
		Print: func(agent, line string) { r.trace.event("model.print", at{agent: agent}, line, nil) },
	})
	if err != nil {
		return err
	}
	r.gateway, err = gateway.New(gateway.Options{
		Upstream: r.budgeted(r.script), Prices: r.opts.Prices, Sink: r.book, Fault: r.harnessFailed, Log: r.log.Named("gateway"),
	})
	if err != nil {
		return err
	}
	r.onClose(func(context.Context) error { return r.gateway.Close() })
	r.gateway.Serve()
	return nil
}

// book writes one row of the ledger.
func (r *run) book(row gateway.Row) error {
	r.trace.alive()
	if err := r.spend(row); err != nil {
		r.harnessFailed(err)
	}
	return r.ledger.Append(results.LedgerRow{
		Agent: row.Agent, Turn: row.Turn, Stage: row.Stage, Attempt: row.Attempt, Kind: string(row.Kind),
		Model: row.Model, MessageID: row.MessageID, Tokens: results.Tokens(row.Tokens), NanoUSD: row.NanoUSD,
		Priced: row.Priced, Status: row.HTTPStatus,
	})
}

func (r *run) openMCP() error {
	for _, p := range r.players {
		if p.Runtime != runtimeProgram {
			continue
		}
		var err error
		if r.mcp, err = mcp.NewHTTP(); err != nil {
			return err
		}
		r.onClose(func(context.Context) error { return r.mcp.Close() })
		return nil
	}
	return nil
}

// canned is the action that the built-in replies take: the phase's default.
func (r *run) canned(agent string) (any, bool) {
	f, ok := r.defaults.Load(agent)
	if !ok {
		return nil, false
	}
	return f.(func() (any, bool))()
}

// attribute tells the gateway what an agent works on from now.
func (r *run) attribute(agent string, to gateway.Attribution) {
	if r.gateway != nil {
		r.gateway.SetTurn(agent, to)
	}
}

// arrival is a row of intake.jsonl: one attempt's answer, the moment it is there.
type arrival struct {
	Action  any           `json:"action"`
	Agent   string        `json:"agent"`
	Attempt int           `json:"attempt"`
	Failure *sim.Failure  `json:"failure,omitempty"`
	Mail    []sim.Letter  `json:"mail,omitempty"`
	Memory  any           `json:"memory,omitempty"`
	Pass    bool          `json:"pass"`
	Say     string        `json:"say,omitempty"`
	Stage   int           `json:"stage"`
	Turn    int           `json:"turn"`
	UsedNS  int64         `json:"used_ns"`
	Writes  tree.WriteSet `json:"writes,omitempty"`
}

// arrived makes a result durable (G1). What the end of the run made of an act is none:
// the agent is asked again.
func (r *run) arrived(ctx context.Context, ask *sim.Ask, ans *sim.Answer) error {
	if ctx.Err() != nil && ans.Failure != nil {
		return nil
	}
	row := arrival{
		Agent: ask.Seat.Name, Attempt: ask.Attempt, Failure: ans.Failure, Memory: ans.Memory, Pass: ans.Pass,
		Stage: ask.Stage, Turn: ask.Turn, UsedNS: ans.Used.Nanoseconds(), Writes: ans.Writes,
	}
	if ans.Failure == nil {
		row.Action, row.Say, row.Mail = ans.Action, ans.Say, ans.Mail
	}
	return r.intake.Append(&row)
}

// removeAll removes a sandbox in which agents may have taken permissions away.
func removeAll(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil || !errors.Is(err, os.ErrPermission) {
		return err
	}
	openUp(dir)
	return os.RemoveAll(dir)
}
