package claude

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sandtable/sandtable/coordinator/agent"
)

// maxReason is how much of a reason the model is shown, in bytes: the client cuts the
// output of hooks at 10,000 characters, and would cut without saying so.
const maxReason = 8000

// policy decides about tool calls: first the driver's own rules, then the gate.
type policy struct {
	view    string
	tools   []string // built-in tools of the process
	own     []string // those of them that the player has where the phase lists none
	agents  []string // names of the tool that starts sub-agents, if it may: in every phase
	servers []string // MCP servers, ours among them
	gate    Gate
}

func newPolicy(o *Options) *policy {
	p := &policy{view: o.Dir, tools: o.tools(), own: o.Tools, servers: []string{"sandtable"}, gate: o.Gate}
	if o.Subagents > 0 {
		p.agents = []string{"Task", "Agent"} // the second is its name on the wire
	}
	for name := range o.Servers {
		p.servers = append(p.servers, name)
	}
	return p
}

// rules returns "" or why a call may not run, by the rules that hold without the gate:
// the tool is listed for the phase, or for the player if the phase lists none; a file
// tool's path is in the view. What is not known is denied.
func (p *policy) rules(tool string, input map[string]any, phase []string) string {
	if phase == nil {
		phase = p.own
	}
	switch {
	case p.served(tool), slices.Contains(p.agents, tool):
	case !slices.Contains(p.tools, tool):
		return fmt.Sprintf("%.100s is not one of your tools", tool)
	case !slices.Contains(phase, tool):
		return fmt.Sprintf("%s is not available in this phase", tool)
	}
	return outside(p.view, tool, input)
}

// served tells whether a tool is one of a listed MCP server.
func (p *policy) served(tool string) bool {
	for _, s := range p.servers {
		if strings.HasPrefix(tool, "mcp__"+s+"__") {
			return true
		}
	}
	return false
}

// judge is the rules and then the gate.
func (p *policy) judge(ctx context.Context, tool string, input map[string]any, phase []string, agentID string) string {
	deny := p.rules(tool, input, phase)
	if deny == "" && p.gate != nil {
		deny = p.gate.Allow(ctx, tool, input, agentID)
	}
	if len(deny) > maxReason {
		deny = strings.ToValidUTF8(deny[:maxReason], "") + " … (cut; see .sandtable/conflicts in your working directory)"
	}
	return deny
}

// inputOf reads a tool's input: an object, and the hash of its canonical form.
func inputOf(raw json.RawMessage) (map[string]any, string, error) {
	v, err := agent.ParseValue(raw)
	if err != nil {
		return nil, "", err
	}
	input, ok := v.(map[string]any)
	if !ok {
		return nil, "", fmt.Errorf("a tool's input is an object")
	}
	sum := sha256.Sum256([]byte(compact(input)))
	return input, hex.EncodeToString(sum[:]), nil
}

// dangling tells whether path is a link whose target does not exist.
func dangling(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&os.ModeSymlink != 0
}
