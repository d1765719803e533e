package bind

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/scenarios/expr"
)

// Player is who plays a seat, evaluated. It fits its runtime: a script has Script, a
// program has Command, claude has a Model.
type Player struct {
	Runtime     string // claude, program or script
	Model       string
	Prompt      string         // who you are; "": nothing is said about it
	Replace     bool           // the prompt is the whole system prompt, not added to the CLI's
	Tools       []string       // names of the CLI's tools
	PhaseTools  []string       // those that phases list in their place
	Allow, Deny []string       // the CLI's permission rules
	Servers     map[string]any // name to an entry of the CLI's MCP configuration; nil: none
	Subagents   int            // how many it may run at a time; 0: none
	Options     map[string]any // the CLI's flags, without their dashes
	Script      string         // file.star[:function] in the scenario's folder
	Command     []string       // argv
	Env         map[string]string
	Network     string // model, none or open
	Limits      scenarios.SeatLimits
}

// fields evaluates one seat's fields and keeps the first error.
type fields struct {
	lookup expr.Lookup
	err    error
}

// get is a field's value, or missing where the file does not have the field.
func get[T any](f *fields, d scenarios.Dyn[T], missing T) T {
	if f.err != nil {
		return missing
	}
	v, err := d.EvalOr(f.lookup, missing)
	if err != nil {
		f.err = err
	}
	return v
}

// player evaluates who plays the seats of an entry, for the seat of the lookup.
func (f *fields) player(e *scenarios.Entry) Player {
	s := e.Player
	p := Player{
		Script: get(f, s.Script, ""), Command: get(f, s.Command, nil), Model: get(f, s.Model, ""),
		Replace: get(f, s.System, "append") == "replace", Tools: get(f, s.Tools, nil),
		Options: get(f, s.Options, nil), Env: get(f, s.Env, nil), Network: get(f, s.Network, "model"),
		Limits: e.Limits, Servers: f.servers(s.MCP),
	}
	missing := "claude"
	if p.Script != "" {
		missing = "script"
	}
	p.Runtime = get(f, s.Runtime, missing)
	if s.Prompt.IsSet() && f.err == nil {
		p.Prompt, f.err = s.Prompt.Template.Text(f.lookup)
	}
	if s.Permissions != nil {
		p.Allow, p.Deny = get(f, s.Permissions.Allow, nil), get(f, s.Permissions.Deny, nil)
	}
	if s.Subagents != nil {
		p.Subagents = get(f, s.Subagents.Max, 0)
	}
	return p
}

// servers writes MCP servers as the CLI's configuration wants them.
func (f *fields) servers(list []scenarios.Named[*scenarios.MCPServer]) map[string]any {
	if len(list) == 0 {
		return nil
	}
	out := map[string]any{}
	for _, s := range list {
		if secrets := get(f, s.Value.Secrets, nil); len(secrets) > 0 && f.err == nil {
			f.err = &scenarios.Error{Pos: s.Value.Secrets.Pos(), Msg: "secrets of MCP servers are not available yet (planned with Gateway): they would stand in the agent's own command line"}
		}
		if url := get(f, s.Value.URL, ""); url != "" {
			out[s.Name] = map[string]any{"type": "http", "url": url}
			continue
		}
		if argv := get(f, s.Value.Command, nil); len(argv) > 0 {
			out[s.Name] = map[string]any{"type": "stdio", "command": argv[0], "args": anys(argv[1:])}
		}
	}
	return out
}

// check finds what only the evaluated fields show.
func (p *Player) check() error {
	if why := scenarios.RuntimeFault(p.Runtime, p.Script != "", len(p.Command) > 0); why != "" {
		return errors.New(why)
	}
	if p.Runtime == "claude" && p.Model == "" {
		return errors.New("a claude player needs a model: the full id, for example claude-opus-5-5")
	}
	if p.Runtime == "claude" && p.Network != "open" && slices.Contains(slices.Concat(p.Tools, p.PhaseTools), "WebFetch") {
		return fmt.Errorf("the tool WebFetch reaches the network, past the gateway, and network is %s; write network: open, or take the tool out", p.Network)
	}
	return nil
}
