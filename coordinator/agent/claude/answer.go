package claude

import (
	"context"
	"encoding/json"
	"fmt"
)

// answer answers a request of the process. An error goes back as one; for the hook of
// PreToolUse that blocks the call, since it is registered to fail so.
func (a *Agent) answer(ctx context.Context, r *request) (any, error) {
	switch r.Subtype {
	case "hook_callback":
		return a.hook(ctx, r)
	case "can_use_tool":
		return a.permit(r), nil
	case "mcp_message":
		return a.message(ctx, r)
	}
	return nil, fmt.Errorf("sandtable does not answer requests of the kind %.60q", r.Subtype)
}

// message gives a message of the MCP protocol to our server.
func (a *Agent) message(ctx context.Context, r *request) (any, error) {
	if r.ServerName != "sandtable" {
		return nil, fmt.Errorf("there is no MCP server %.60q here", r.ServerName)
	}
	out, err := a.bridge.Handle(ctx, r.Message)
	if err != nil {
		return nil, err
	}
	return map[string]json.RawMessage{"mcp_response": out}, nil
}

// hook judges a call before it runs, and notes one that has run. No opinion is given
// where the rules allow: then the client's own rules go on to ask for permission.
func (a *Agent) hook(ctx context.Context, r *request) (any, error) {
	var in hookInput
	if err := json.Unmarshal(r.Input, &in); err != nil {
		return nil, fmt.Errorf("the hook's input is not understood")
	}
	input, hash, err := inputOf(in.ToolInput)
	if err != nil && r.CallbackID == "pre" {
		return denied(fmt.Sprintf("the tool's input is not understood: %v", err)), nil
	}
	t := Tool{Tool: in.ToolName, Call: in.ToolUseID, Agent: in.AgentID, Input: hash, DurationMS: in.DurationMS}
	switch {
	case r.CallbackID != "pre" && r.CallbackID != "post":
		return nil, fmt.Errorf("there is no hook %.60q here", r.CallbackID)
	case r.CallbackID == "post":
		a.trace("claude.done", t)
		return map[string]any{}, nil
	}
	if t.Deny = a.judge(ctx, r.act, in.ToolName, input, in.AgentID); t.Deny != "" {
		a.trace("claude.tool", t)
		return denied(t.Deny), nil
	}
	a.trace("claude.tool", t)
	return map[string]any{}, nil
}

// over is what the model is told that calls a tool outside its act.
const over = "your turn is over: do nothing until the next one"

// judge refuses whatever was called while no act was open, and what was called in another
// act than the one that is open by now.
func (a *Agent) judge(ctx context.Context, act int, tool string, input map[string]any, agentID string) string {
	phase, open := a.phase()
	if act == 0 || act != open {
		return over
	}
	return a.policy.judge(ctx, tool, input, phase, agentID)
}

func denied(reason string) any {
	return map[string]any{"hookSpecificOutput": map[string]any{
		"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": reason,
	}}
}

// permit answers the client's own question. The rules are asked again, so that a call
// that never met the hook is not let through by its loss; the gate is not.
func (a *Agent) permit(r *request) any {
	p := Permission{Tool: r.ToolName, Call: r.ToolUseID}
	input, _, err := inputOf(r.Input)
	phase, open := a.phase()
	switch {
	case err != nil:
		p.Deny = fmt.Sprintf("the tool's input is not understood: %v", err)
	case r.act == 0 || r.act != open:
		p.Deny = over
	default:
		p.Deny = a.policy.rules(r.ToolName, input, phase)
	}
	a.trace("claude.permission", p)
	if p.Deny != "" {
		return map[string]any{"behavior": "deny", "message": p.Deny}
	}
	return map[string]any{"behavior": "allow", "updatedInput": r.Input}
}
