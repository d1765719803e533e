package claude

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sandtable/sandtable/coordinator/agent"
)

// Options are one agent's process and what it is connected to.
type Options struct {
	Name   string // the agent; goes into the title and the headers to the gateway
	Run    string // the run; a header to the gateway, "" for none
	Binary string // the client, from [Finder]
	Model  string // full id: aliases differ between versions
	Prompt string // who the agent is
	// Replace makes Prompt the whole system prompt; else it is appended to the client's.
	Replace bool

	Tools       []string       // built-in tools, in phases that list none
	PhaseTools  []string       // built-in tools that phases list in their place
	Allow, Deny []string       // permission rules in the client's own words
	Servers     map[string]any // further MCP servers: name to an entry of --mcp-config
	Subagents   int            // concurrent sub-agents; 0: none at all
	Flags       map[string]any // further flags of the client, without the dashes
	Steps       int            // model requests an act; 0: the client's own limit
	Scripted    bool           // the model is scripted: no retries, no compaction

	SessionID  string // UUID; "": one is drawn
	Dir        string // the view: the process's working directory
	Home       string // this and the three below belong to this agent alone
	Tmp        string
	ConfigDir  string
	RuntimeDir string
	BaseURL    string            // the gateway, with the agent's path
	Key        string            // the agent's gateway key
	Env        map[string]string // what the scenario adds to the environment

	Start  Starter
	Desk   *agent.Desk
	Server *sdk.Server // "sandtable"; it belongs to this agent alone
	Gate   Gate        // nil: only the driver's own rules
	// FileAction reads a file of the view, for stages whose action is a file; nil: no
	// such stage can be played.
	FileAction func(path string) ([]byte, error)
	// Trace hears how it went; data is a value of one of the Trace types. It is called
	// from several goroutines. nil: nobody does.
	Trace func(kind string, data any)
	// Frames also traces every frame as it is read, as json.RawMessage.
	Frames bool
	Stderr io.Writer // gets a process's stderr, up to 16 MiB; nil: only its end is kept
}

// Gate judges a tool call before it runs. It may hold the call back by not returning
// until ctx ends, which it does when the call is abandoned or the process ends; the
// client waits ten minutes, and then does not run it.
type Gate interface {
	// Allow returns "" or the reason for the model why the call may not run. agentID
	// is the client's id of a sub-agent, "" in the main loop.
	Allow(ctx context.Context, tool string, input map[string]any, agentID string) (deny string)
}

// Starter starts a process with exactly this argv, environment and directory. The
// context bounds the start, not the process's life.
type Starter func(ctx context.Context, argv, env []string, dir string) (*Process, error)

// Process is a started process. The session closes the three files.
type Process struct {
	Stdin          io.WriteCloser
	Stdout, Stderr io.ReadCloser
	PID            int
	Done           <-chan struct{} // closed when the process has ended
	Exit           func() string   // after Done: "exit 1", "signal killed"
	Kill           func()          // the process and all its children; returns at once or soon
}

var (
	uuidForm   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	serverForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	toolForm   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
)

// maxPrompt is the longest identity prompt, in bytes: the system refuses arguments of
// more than 128 KiB.
const maxPrompt = 120 << 10

// Validate finds what cannot work or would open what must stay shut.
func (o *Options) Validate() error {
	for _, f := range []func() error{o.checkPlaces, o.checkTools, o.checkRules, o.checkServers, o.checkFlags, o.checkEnv} {
		if err := f(); err != nil {
			return fmt.Errorf("agent %s: %w", o.Name, err)
		}
	}
	return nil
}

func (o *Options) checkPlaces() error {
	for name, dir := range map[string]string{
		"Binary": o.Binary, "Dir": o.Dir, "Home": o.Home, "Tmp": o.Tmp, "ConfigDir": o.ConfigDir, "RuntimeDir": o.RuntimeDir,
	} {
		if !filepath.IsAbs(dir) {
			return fmt.Errorf("claude.Options.%s must be an absolute path, not %q", name, dir)
		}
	}
	switch {
	case o.Name == "" || strings.ContainsAny(o.Name+o.Run, "\r\n"):
		return fmt.Errorf("the agent's name %q or run %q cannot be a header", o.Name, o.Run)
	case o.Model == "" || o.BaseURL == "" || o.Key == "":
		return errors.New("model, gateway address and gateway key are all needed")
	case o.SessionID != "" && !uuidForm.MatchString(o.SessionID):
		return fmt.Errorf("the session id %q is not a UUID in lower case", o.SessionID)
	case len(o.Prompt) > maxPrompt:
		return fmt.Errorf("the prompt has %d bytes, at most %d fit on a command line: put the rest into a file of the workspace", len(o.Prompt), maxPrompt)
	case o.Steps < 0 || o.Subagents < 0:
		return errors.New("steps and subagents cannot be negative")
	}
	return nil
}

// barred tools talk to other agents behind the coordinator, or start agents.
var barred = []string{"SendMessage", "ListAgents"}

func (o *Options) checkTools() error {
	for _, t := range o.Tools {
		switch {
		case !toolForm.MatchString(t):
			return fmt.Errorf("tools: %q is not the name of a built-in tool", t)
		case slices.Contains(barred, t):
			return fmt.Errorf("tools: %s would let agents talk past the coordinator; they have the tool send", t)
		case t == "Task" || t == "Agent":
			return fmt.Errorf("tools: sub-agents are asked for by subagents: {max: N}, not by the tool %s", t)
		}
	}
	return nil
}

// readers are the tools that change nothing; any other one may write.
var readers = []string{"Read", "Glob", "Grep", "LS", "TodoWrite", "WebSearch", "WebFetch"}

func (o *Options) checkRules() error {
	for _, r := range o.Allow {
		tool, _, _ := strings.Cut(r, "(")
		if !slices.Contains(readers, tool) {
			return fmt.Errorf("permissions.allow: %q would let the client run %s without asking; list it under tools, and say under permissions.deny what it may not do", r, tool)
		}
	}
	for _, r := range o.Deny {
		if strings.HasPrefix(r, "Write(") {
			return fmt.Errorf("permissions.deny: %q never matches anything; Edit(...) governs all tools that write files", r)
		}
	}
	return nil
}

func (o *Options) checkServers() error {
	for name, entry := range o.Servers {
		if _, ok := entry.(map[string]any); !ok || !serverForm.MatchString(name) {
			return fmt.Errorf("mcp: %q: a server is a name of letters, digits, _ and -, and a map", name)
		}
		if name == "sandtable" || strings.Contains(name, "__") {
			return fmt.Errorf("mcp: the server name %q is taken or ambiguous", name)
		}
	}
	return nil
}
