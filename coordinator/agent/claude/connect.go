package claude

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// launch starts a process and connects it; a process that does not connect is gone
// when it returns.
func (a *Agent) launch(ctx context.Context, resume bool) error {
	p, err := a.opts.Start(ctx, Argv(&a.opts, a.id, resume), Env(&a.opts), a.opts.Dir)
	if err != nil {
		return fmt.Errorf("agent %s: start %s: %w", a.opts.Name, filepath.Base(a.opts.Binary), err)
	}
	a.begun = true
	s := newSession(p, a, newTail(a.opts.Stderr, a.opts.Key, a.private))
	if err := a.connect(ctx, s); err != nil {
		err = fmt.Errorf("agent %s: %w", a.opts.Name, a.explain(s, err))
		s.close(0)
		return err
	}
	a.session = s
	a.trace("claude.start", Started{p.PID, a.id, resume})
	return nil
}

// explain adds how the process ended to an error that its end has caused.
func (a *Agent) explain(s *session, err error) error {
	if !errors.Is(err, errEnded) {
		return err
	}
	return &endedError{s.verdict().Text}
}

// endedError is a process that ended while it was being started.
type endedError struct{ text string }

func (e *endedError) Error() string { return e.text }

// connect registers hooks and server and waits until every MCP server is connected.
func (a *Agent) connect(ctx context.Context, s *session) error {
	_, err := s.request(ctx, map[string]any{
		"subtype": "initialize", "title": a.opts.Name, "sdkMcpServers": []string{"sandtable"},
		"hooks": map[string]any{
			"PreToolUse":  []any{map[string]any{"matcher": nil, "hookCallbackIds": []string{"pre"}, "timeout": 600, "onFailure": "block"}},
			"PostToolUse": []any{map[string]any{"matcher": nil, "hookCallbackIds": []string{"post"}}},
		},
	})
	if err != nil {
		return fmt.Errorf("initialize: %w", err)
	}
	want := []string{"sandtable"}
	for name := range a.opts.Servers {
		want = append(want, name)
	}
	return a.awaitServers(ctx, s, want)
}

// awaitServers asks until all servers are connected or one has failed. Before the
// first turn there is nothing else that would tell: the client's init frame comes with
// the turn. A server is pending for up to thirty seconds, and not in the list at first.
func (a *Agent) awaitServers(ctx context.Context, s *session, want []string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		raw, err := s.request(ctx, map[string]any{"subtype": "mcp_status"})
		if err != nil {
			return fmt.Errorf("mcp_status: %w", err)
		}
		waiting, err := missing(raw, want)
		if err != nil || len(waiting) == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("MCP servers not connected in time: %v: %w", waiting, ctx.Err())
		}
	}
}

// missing returns the servers that may still connect; one that cannot is an error.
func missing(raw json.RawMessage, want []string) ([]string, error) {
	var st struct {
		Servers []struct{ Name, Status, Error string } `json:"mcpServers"`
	}
	if err := json.Unmarshal(raw, &st); err != nil {
		return nil, fmt.Errorf("mcp_status: %w", err)
	}
	waiting := slices.Clone(want)
	for _, s := range st.Servers {
		switch s.Status {
		case "connected":
			waiting = slices.DeleteFunc(waiting, func(n string) bool { return n == s.Name })
		case "pending", "":
		default:
			if slices.Contains(want, s.Name) {
				return nil, fmt.Errorf("the MCP server %s is not connected: %s %s", s.Name, s.Status, s.Error)
			}
		}
	}
	return waiting, nil
}
