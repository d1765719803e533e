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
	tools   []string // built-in tools of the player
	servers []string // MCP servers, ours among them
	gate    Gate
}

func newPolicy(o *Options) *policy {
	p := &policy{view: o.Dir, tools: o.tools(), servers: []string{"sandtable"}, gate: o.Gate}
	if slices.Contains(p.tools, "Task") {
		p.tools = append(p.tools, "Agent") // the name of Task on the wire
	}
	for name := range o.Servers {
		p.servers = append(p.servers, name)
	}
	return p
}

// rules returns "" or why a call may not run, by the rules that hold without the gate:
// the tool is listed for the player, and for the phase if it lists tools; a file
// tool's path is in the view. What is not known is denied.
func (p *policy) rules(tool string, input map[string]any, phase []string) string {
	if !p.listed(tool) {
		return fmt.Sprintf("%.100s is not one of your tools", tool)
	}
	if phase != nil && !strings.HasPrefix(tool, "mcp__") && !slices.Contains(phase, tool) {
		return fmt.Sprintf("%s is not available in this phase", tool)
	}
	return outside(p.view, tool, input)
}

func (p *policy) listed(tool string) bool {
	if slices.Contains(p.tools, tool) {
		return true
	}
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
