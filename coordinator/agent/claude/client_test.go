package claude_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// client is a fake of the command line client: enough of the protocol to be driven,
// and a misbehaviour for each mode.
type client struct {
	mode string
	in   *bufio.Reader
	asks int
	turn int
	uuid string
}

func fake(mode string) {
	c := &client{mode: mode, in: bufio.NewReaderSize(os.Stdin, 1<<20)}
	switch mode {
	case "exit":
		fmt.Fprintln(os.Stderr, "cannot start\x07 with key-a1")
		os.Exit(3)
	case "deaf":
		select {}
	case "forgetful":
		if strings.Contains(strings.Join(os.Args, " "), "--resume=") {
			fmt.Fprintln(os.Stderr, "No conversation found with session ID")
			os.Exit(1)
		}
	case "longline":
		big := bytes.Repeat([]byte("x"), 1<<20)
		for range 40 {
			os.Stdout.Write(big)
		}
	}
	for {
		f := c.read()
		switch {
		case f["type"] == "user":
			c.uuid, _ = f["uuid"].(string)
			c.turn++
			c.play()
		case f["type"] == "control_request":
			c.serve(f)
		}
	}
}

func (c *client) read() map[string]any {
	line, err := c.in.ReadBytes('\n')
	if err != nil {
		if c.mode == "stays" {
			select {}
		}
		os.Exit(0)
	}
	var f map[string]any
	if json.Unmarshal(line, &f) != nil {
		os.Exit(1) // as the real one
	}
	return f
}

func (c *client) write(v any) {
	data, _ := json.Marshal(v)
	os.Stdout.Write(append(data, '\n'))
}

func (c *client) ok(f map[string]any, response any) {
	c.write(map[string]any{"type": "control_response",
		"response": map[string]any{"subtype": "success", "request_id": f["request_id"], "response": response}})
}

func (c *client) serve(f map[string]any) {
	switch f["request"].(map[string]any)["subtype"] {
	case "initialize":
		if c.mode == "silent" {
			return
		}
		for range 2 { // 2.1.197 shakes hands twice
			c.mcp("initialize", map[string]any{"protocolVersion": "2025-11-25", "capabilities": map[string]any{},
				"clientInfo": map[string]any{"name": "fake", "version": "1"}})
			c.ask(map[string]any{"subtype": "mcp_message", "server_name": "sandtable",
				"message": map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"}})
			c.mcp("tools/list", map[string]any{})
		}
		c.ok(f, map[string]any{"pid": os.Getpid()})
	case "mcp_status":
		c.ok(f, map[string]any{"mcpServers": []any{map[string]any{"name": "sandtable", "status": "connected"}}})
	case "interrupt":
		if c.mode != "stubborn" {
			c.ok(f, nil)
			c.result("error_during_execution", "", c.uuid)
		}
	}
}

// ask asks the driver something and waits for the answer; what else arrives is served.
func (c *client) ask(body map[string]any) map[string]any {
	c.asks++
	id := fmt.Sprint("fake-", c.asks)
	c.write(map[string]any{"type": "control_request", "request_id": id, "request": body})
	for {
		f := c.read()
		switch f["type"] {
		case "control_response":
			if r := f["response"].(map[string]any); r["request_id"] == id {
				return r
			}
		case "control_request":
			c.serve(f)
		}
	}
}

func (c *client) mcp(method string, params map[string]any) map[string]any {
	r := c.ask(map[string]any{"subtype": "mcp_message", "server_name": "sandtable",
		"message": map[string]any{"jsonrpc": "2.0", "id": c.asks, "method": method, "params": params}})
	out, _ := r["response"].(map[string]any)
	return out
}

// call calls a tool of our server as the client does: announced by an assistant frame.
func (c *client) call(id, tool string, args map[string]any) string {
	c.announce(id)
	return c.run(id, tool, args)
}

func (c *client) announce(ids ...string) {
	for _, id := range ids {
		c.write(map[string]any{"type": "assistant", "parent_tool_use_id": nil, "message": map[string]any{
			"id": fmt.Sprint("m", c.turn), "content": []any{map[string]any{"type": "tool_use", "id": id, "name": "x"}}}})
	}
}

func (c *client) run(id, tool string, args map[string]any) string {
	r := c.mcp("tools/call", map[string]any{"name": tool, "arguments": args, "_meta": map[string]any{"claudecode/toolUseId": id}})
	data, _ := json.Marshal(r)
	return string(data)
}

func (c *client) result(subtype, text, uuid string) {
	c.write(map[string]any{"type": "result", "subtype": subtype, "is_error": subtype != "success", "result": text,
		"user_message_uuid": uuid, "total_cost_usd": float64(c.turn), "terminal_reason": "completed", "session_id": "s", "num_turns": 1})
}

func (c *client) want(id string, n int) string {
	return c.call(id, "act", map[string]any{"action": map[string]any{"want": n}})
}

func (c *client) play() {
	// A mode misbehaves once in a view, whichever process it is.
	_, err := os.Stat("been-here")
	first := err != nil
	_ = os.WriteFile("been-here", nil, 0o600)
	mode := c.mode
	if !first && mode != "late" && mode != "chatty" {
		mode = "normal"
	}
	switch mode {
	case "hang", "stubborn":
		return
	case "garbage":
		for range 40 {
			fmt.Println("not JSON at all")
		}
	case "chatty":
		fmt.Print("not JSON\n\n", strings.Repeat("nor this\n", 4))
	case "some garbage":
		fmt.Println("not JSON at all")
		fmt.Println(`["nor", "an object"]`)
		fmt.Println(`{"type":5}`)
		fmt.Println()
		fmt.Println(`{"type":"never_heard_of","errors":7}`)
	case "flood":
		line := append(append([]byte(`{"type":"x","d":"`), bytes.Repeat([]byte("y"), 1<<20)...), "\"}\n"...)
		for range 100 {
			os.Stdout.Write(line)
		}
	case "die":
		fmt.Fprintf(os.Stderr, "out of memory: %s/x %s %s %s\n", os.Getenv("CLAUDE_CONFIG_DIR"), os.Getenv("HOME"), os.Getenv("TMPDIR"), os.Getenv("XDG_RUNTIME_DIR"))
		os.Exit(7)
	case "orphan": // a child holds the output open
		cmd := exec.Command("sleep", "25") // longer than any turn here may take
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		_ = cmd.Start()
		os.Exit(7)
	case "unknown":
		r := c.ask(map[string]any{"subtype": "elicitation"})
		if r["subtype"] != "error" {
			os.Exit(8)
		}
		if r := c.ask(map[string]any{"subtype": "hook_callback", "callback_id": "other", "input": map[string]any{}}); r["subtype"] != "error" {
			os.Exit(9)
		}
	case "gate":
		c.gate()
	case "order":
		c.announce("t1", "t2")
		c.run("t2", "act", map[string]any{"action": map[string]any{"want": 2}})
		c.run("t1", "act", map[string]any{"action": map[string]any{"want": 1}})
		c.result("success", "ok", c.uuid)
		return
	case "stale":
		c.result("success", "not yours", "00000000-0000-4000-8000-000000000000")
		c.write(map[string]any{"type": "result", "subtype": "success", "result": "background", "origin": map[string]any{"kind": "task-notification"}})
	case "late":
		if !first {
			if out := c.run("t1", "act", map[string]any{"action": map[string]any{"want": 9}}); !strings.Contains(out, "no turn is open") {
				os.Exit(10)
			}
		}
	case "steps": // one message more than is allowed, with a tool in it
		for n := range 3 {
			c.write(map[string]any{"type": "assistant", "message": map[string]any{"id": fmt.Sprint("s", n)}})
		}
		r := c.ask(map[string]any{"subtype": "hook_callback", "callback_id": "pre", "input": map[string]any{
			"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": map[string]any{"command": "touch late"}}})
		if data, _ := json.Marshal(r); !strings.Contains(string(data), `"deny"`) {
			os.Exit(11)
		}
		return // the interrupt is served here or has been served already
	case "requests": // more than anybody may have open
		for n := range 500 {
			c.write(map[string]any{"type": "control_request", "request_id": fmt.Sprint("r", n),
				"request": map[string]any{"subtype": "can_use_tool", "tool_name": "Bash", "input": map[string]any{}}})
		}
	}
	c.want(fmt.Sprint("t", c.turn), c.turn)
	c.result("success", "ok", c.uuid)
}

// gate tries what must be refused and ends if it was not.
func (c *client) gate() {
	for i, tool := range []struct {
		name  string
		input map[string]any
		ok    bool
	}{
		{"Read", map[string]any{"file_path": "/etc/passwd"}, false},
		{"Read", map[string]any{"file_path": "inside.txt"}, true},
		{"WebFetch", map[string]any{"url": "http://x"}, false},
		{"Bash", map[string]any{"command": "forbidden"}, false},
		{"Bash", map[string]any{"command": "ls"}, true},
		{"mcp__other__x", map[string]any{}, false},
		{"mcp__sandtable__act", map[string]any{}, true},
	} {
		r := c.ask(map[string]any{"subtype": "hook_callback", "callback_id": "pre", "input": map[string]any{
			"hook_event_name": "PreToolUse", "tool_name": tool.name, "tool_input": tool.input}})
		data, _ := json.Marshal(r)
		if strings.Contains(string(data), `"deny"`) == tool.ok {
			os.Exit(20 + i)
		}
	}
	r := c.ask(map[string]any{"subtype": "can_use_tool", "tool_name": "Read", "input": map[string]any{"file_path": "/etc/passwd"}})
	if r["response"].(map[string]any)["behavior"] != "deny" {
		os.Exit(40)
	}
	r = c.ask(map[string]any{"subtype": "can_use_tool", "tool_name": "Read", "input": map[string]any{"file_path": "x", "limit": 12345678901234567}})
	if got := r["response"].(map[string]any); got["behavior"] != "allow" || got["updatedInput"] == nil {
		os.Exit(41)
	}
}
