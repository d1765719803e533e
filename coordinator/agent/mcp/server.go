package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sandtable/sandtable/coordinator/agent"
	"github.com/sandtable/sandtable/sim"
)

// Name is the server's name; models see its tools as mcp__sandtable__act and so on.
const Name = "sandtable"

// Desk takes what an agent submits. The call is the id of the model's tool block, ""
// if the client did not say. [agent.Desk] is one.
type Desk interface {
	Act(call string, action any, say string) error
	Pass(call string) error
	Send(call string, to any, text string) error
	Inbox() ([]sim.Message, error)
}

// Files reads the agent's own view. [View] is one.
type Files interface {
	// Read returns a regular file of the view by its slash-separated relative path.
	Read(path string) ([]byte, error)
}

// Workspace tells what became of the agent's own changes.
type Workspace interface{ Status() (Status, error) }

// Status is the state of a view since its turn opened. All paths are relative.
type Status struct {
	Changed   []string `json:"changed"`   // by this agent
	Conflicts []string `json:"conflicts"` // directories with base, theirs, yours
	Notices   []string `json:"notices"`
}

// callKey is where the command line client puts the id of the model's tool block.
const callKey = "claudecode/toolUseId"

// tool is one entry of the server: schema as text, since it never changes, and what it
// does. The result is JSON, or text if it is a string.
type tool struct {
	name, about, schema string
	readOnly            bool
	run                 func(call string, args map[string]any) (any, error)
}

// NewServer returns an agent's server. files and ws may be nil: then their tools are
// not there.
func NewServer(desk Desk, files Files, ws Workspace) *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: Name, Version: "1"}, &sdk.ServerOptions{
		Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
	})
	tools := deskTools(desk)
	if files != nil {
		tools = append(tools, readTool(files))
	}
	if ws != nil {
		tools = append(tools, statusTool(ws))
	}
	for _, t := range tools {
		s.AddTool(t.describe(), t.handle)
	}
	return s
}

// ToolNames are the names of all tools a server may have, as a model sees them.
func ToolNames() []string {
	var out []string
	for _, n := range []string{"act", "pass", "send", "inbox", "workspace_read", "workspace_status"} {
		out = append(out, "mcp__"+Name+"__"+n)
	}
	return out
}

func (t tool) describe() *sdk.Tool {
	d := &sdk.Tool{Name: t.name, Description: t.about, InputSchema: json.RawMessage(t.schema)}
	if t.readOnly {
		d.Annotations = &sdk.ToolAnnotations{ReadOnlyHint: true}
	}
	return d
}

func (t tool) handle(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	v, err := t.call(req)
	if err != nil {
		return refusal(err), nil
	}
	text, ok := v.(string)
	if !ok {
		data, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		text = string(data)
	}
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}, nil
}

func (t tool) call(req *sdk.CallToolRequest) (any, error) {
	raw := req.Params.Arguments
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	v, err := agent.ParseValue(raw)
	if err != nil {
		return nil, fmt.Errorf("the arguments of %s are not JSON: %v", t.name, err)
	}
	args, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the arguments of %s must be an object", t.name)
	}
	call, _ := req.Params.Meta[callKey].(string)
	return t.run(call, args)
}

// refusal words an error for a model: the reason, without the category in front.
func refusal(err error) *sdk.CallToolResult {
	text := err.Error()
	var f *sim.Failure
	if errors.As(err, &f) {
		text = f.Text
	}
	return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: text}}}
}

// text returns an argument that must be a string; optional ones may be missing.
func text(args map[string]any, tool, key string, optional bool) (string, error) {
	v, ok := args[key]
	if !ok && optional {
		return "", nil
	}
	if !ok {
		return "", missing(args, tool, key)
	}
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("%s: %q must be a string", tool, key)
	}
	return s, nil
}

func missing(args map[string]any, tool, key string) error {
	if len(args) == 0 {
		return fmt.Errorf("%s: %q is missing", tool, key)
	}
	given := strings.Join(slices.Sorted(maps.Keys(args)), ", ")
	return fmt.Errorf("%s: %q is missing; given: %.200s", tool, key, given)
}
