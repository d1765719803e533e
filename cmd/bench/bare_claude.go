package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sandtable/sandtable/coordinator/agent/claude"
	"github.com/sandtable/sandtable/coordinator/agent/mcp"
	"github.com/sandtable/sandtable/coordinator/gateway"
	"github.com/sandtable/sandtable/sim"
)

// barePrompt is what a run says to such an agent in a turn.
const barePrompt = "Turn %d p\n\n{}\n\nCall the tool `act` with an `action` that fits this JSON Schema:\n" +
	`{"additionalProperties":false,"properties":{"move":{"enum":["C","D"]}},"required":["move"],"type":"object"}`

// bareModel is a scripted model of the same code as a run's, without meter or ledger file.
func bareModel() (*gateway.Gateway, *gateway.Scripted, error) {
	model, err := gateway.NewScripted(gateway.ScriptedOptions{
		Canned: func(string) (any, bool) { return map[string]any{"move": "C"}, true },
	})
	if err != nil {
		return nil, nil, err
	}
	g, err := gateway.New(gateway.Options{Upstream: model})
	if err == nil {
		g.Serve()
	}
	return g, model, err
}

// bareAgent is the CLI with nothing between it and its model but a loop that answers what
// it asks.
type bareAgent struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	files  *mcp.View
	bridge *mcp.Bridge
}

// bareOptions are those that a run gives its agents.
func (b *bench) bareOptions(name, binary string, g *gateway.Gateway) (*claude.Options, error) {
	dir, err := b.folder()
	if err != nil {
		return nil, err
	}
	at := func(p string) string { return filepath.Join(dir, p) }
	for _, p := range []string{"view", "home", "tmp", "config", "run"} {
		if err := os.Mkdir(at(p), 0o700); err != nil {
			return nil, err
		}
	}
	if err := claude.Seed(at("config"), name); err != nil {
		return nil, err
	}
	if err := os.WriteFile(at("view/00.md"), []byte("shared\n"), 0o644); err != nil {
		return nil, err
	}
	account, err := g.Register(name, gateway.AgentOptions{View: at("view"), Homes: []string{at("config"), at("run"), at("home"), at("tmp")}})
	if err != nil {
		return nil, err
	}
	return &claude.Options{
		Name: name, Run: "bench", Binary: binary, Model: realModel, Prompt: realPrompt, Tools: realTools, Steps: 50, Scripted: true,
		Dir: at("view"), Home: at("home"), Tmp: at("tmp"), ConfigDir: at("config"), RuntimeDir: at("run"),
		BaseURL: account.BaseURL, Key: account.Key,
	}, nil
}

// startBare starts the CLI and returns when it is connected.
func (b *bench) startBare(name, binary string, g *gateway.Gateway) (*bareAgent, error) {
	o, err := b.bareOptions(name, binary, g)
	if err != nil {
		return nil, err
	}
	a := &bareAgent{}
	if a.files, err = mcp.OpenView(o.Dir); err != nil {
		return nil, err
	}
	a.bridge = mcp.NewBridge(mcp.NewServer(takeAll{}, a.files, takeAll{}))
	argv := claude.Argv(o, uuid(), false)
	a.cmd = exec.CommandContext(b.ctx, argv[0], argv[1:]...)
	a.cmd.Env, a.cmd.Dir = claude.Env(o), o.Dir
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := a.cmd.StdoutPipe()
	if err == nil {
		a.in, err = a.cmd.StdinPipe()
	}
	if err == nil {
		err = a.cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	a.out = bufio.NewReaderSize(out, 1<<16)
	if err := a.connect(b.ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("bare %s: %w", name, err), a.close())
	}
	return a, nil
}

// connect says hello and waits for the MCP server, as the driver does.
func (a *bareAgent) connect(ctx context.Context) error {
	if _, err := a.ask(ctx, map[string]any{
		"subtype": "initialize", "title": "bare", "sdkMcpServers": []string{"sandtable"},
		"hooks": map[string]any{
			"PreToolUse":  []any{map[string]any{"matcher": nil, "hookCallbackIds": []string{"pre"}, "timeout": 600, "onFailure": "block"}},
			"PostToolUse": []any{map[string]any{"matcher": nil, "hookCallbackIds": []string{"post"}}},
		},
	}); err != nil {
		return err
	}
	for {
		raw, err := a.ask(ctx, map[string]any{"subtype": "mcp_status"})
		if err != nil {
			return err
		}
		var st struct {
			Servers []struct{ Status string } `json:"mcpServers"`
		}
		if err := json.Unmarshal(raw, &st); err != nil {
			return err
		}
		if len(st.Servers) == 1 && st.Servers[0].Status == "connected" {
			return nil
		}
		time.Sleep(20 * time.Millisecond) // there is no news of it; the driver asks as often
	}
}

// close ends the CLI's input, and kills what has not ended two seconds later.
func (a *bareAgent) close() error {
	a.in.Close()
	late := time.AfterFunc(2*time.Second, func() { syscall.Kill(-a.cmd.Process.Pid, syscall.SIGKILL) })
	io.Copy(io.Discard, a.out)
	err := a.cmd.Wait()
	late.Stop()
	return errors.Join(err, a.bridge.Close(), a.files.Close())
}

// takeAll is the other side of the agent's tools: it takes everything.
type takeAll struct{}

func (takeAll) Act(string, any, string) error     { return nil }
func (takeAll) Pass(string) error                 { return nil }
func (takeAll) Send(string, any, string) error    { return nil }
func (takeAll) Inbox() ([]sim.Message, error)     { return nil, nil }
func (takeAll) Status() (s mcp.Status, err error) { return s, nil }

// uuid is a random one of version 4.
func uuid() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
