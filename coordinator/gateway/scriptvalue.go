package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sandtable/sandtable/scenarios/expr"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// requestValue is the script's `request`, frozen:
//
//	model     the model's id, as asked for
//	system    the system prompt: as the client made it, so it may hold the day's date
//	messages  [{"role": "user" | "assistant", "content": [block]}], see conversation; a block
//	          is {"type": "text", "text"}, {"type": "tool_use", "name", "input"},
//	          {"type": "tool_result", "tool", "text", "is_error"} or {"type"} alone
//	tools     the full names of the tools
//	call      the number of answers since the turn's user message
//	last      that message's text
//	results   what tools have returned since: [struct(tool, text, error)]
func requestValue(call *Call) (starlark.Value, error) {
	talk := call.talk
	messages := make([]starlark.Value, len(talk.messages))
	for i, m := range talk.messages {
		var err error
		if messages[i], err = m.value(); err != nil {
			return nil, fmt.Errorf("request.messages: message %d: %w", i, err)
		}
	}
	tools := make([]starlark.Value, len(call.Request.Tools))
	for i, t := range call.Request.Tools {
		tools[i] = starlark.String(t)
	}
	v := starlarkstruct.FromStringDict(starlark.String("request"), starlark.StringDict{
		"model":    starlark.String(call.Request.Model),
		"system":   starlark.String(call.system),
		"messages": starlark.NewList(messages),
		"tools":    starlark.NewList(tools),
		"call":     starlark.MakeInt(talk.call),
		"last":     starlark.String(talk.last),
		"results":  resultValues(talk.results),
	})
	v.Freeze()
	return v, nil
}

func blockValues(blocks []Block) []any {
	out := make([]any, len(blocks))
	for i, b := range blocks {
		v := map[string]any{"type": b.Type}
		switch b.Type {
		case "text":
			v["text"] = b.Text
		case "tool_use":
			v["name"], v["input"] = b.Name, b.Input
		case "tool_result":
			v["tool"], v["text"], v["is_error"] = b.Name, b.Text, b.IsError
		}
		out[i] = v
	}
	return out
}

func resultValues(results []toolResult) starlark.Value {
	out := make([]starlark.Value, len(results))
	for i, r := range results {
		out[i] = starlarkstruct.FromStringDict(starlark.String("result"), starlark.StringDict{
			"tool":  starlark.String(r.tool),
			"text":  starlark.String(r.text),
			"error": starlark.Bool(r.isError),
		})
	}
	return starlark.NewList(out)
}

// readReply reads what reply returned: a text; a list of texts and {"tool", "input"}; one
// {"tool", "input"}; or {"content": one of these, "usage": {…}, "stop_reason": …}.
func readReply(v starlark.Value) (*answer, error) {
	value, err := expr.FromStarlark(v)
	if err != nil {
		return nil, err
	}
	a := newAnswer()
	content := value
	if d, ok := value.(map[string]any); ok && d["tool"] == nil {
		if err := onlyKeys(d, "content", "usage", "stop_reason"); err != nil {
			return nil, err
		}
		if err := errors.Join(a.readUsage(d["usage"]), a.readStop(d["stop_reason"])); err != nil {
			return nil, err
		}
		content = d["content"]
	}
	list, ok := content.([]any)
	if !ok {
		list = []any{content}
	}
	for i, p := range list {
		part, err := readPart(p)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", i+1, err)
		}
		a.parts = append(a.parts, part)
	}
	return a, nil
}

func readPart(v any) (part, error) {
	switch v := v.(type) {
	case string:
		return part{text: v}, nil
	case map[string]any:
		if err := onlyKeys(v, "tool", "input"); err != nil {
			return part{}, err
		}
		name, ok := v["tool"].(string)
		if !ok || name == "" {
			return part{}, errors.New(`"tool" should be a name`)
		}
		input, ok := v["input"].(map[string]any)
		if !ok && v["input"] != nil {
			return part{}, fmt.Errorf(`"input" of tool %q should be a dict`, name)
		}
		if input == nil {
			input = map[string]any{}
		}
		return part{tool: name, input: input}, nil
	}
	return part{}, fmt.Errorf("want a text or {\"tool\": …, \"input\": {…}}, have %s", jsonType(v))
}

func onlyKeys(d map[string]any, known ...string) error {
	for k := range d {
		if !slices.Contains(known, k) {
			return fmt.Errorf("unknown key %q; there are: %s", k, strings.Join(known, ", "))
		}
	}
	return nil
}

func jsonType(v any) string {
	switch v.(type) {
	case nil:
		return "None"
	case []any:
		return "a list"
	}
	return fmt.Sprintf("a %T", v)
}

// readUsage takes the stated token counts, named as in the ledger. Of those left out,
// input and output go by the rule and the rest is 0.
func (a *answer) readUsage(v any) error {
	if v == nil {
		return nil
	}
	stated, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf(`"usage" should be a dict, not %s`, jsonType(v))
	}
	t := &a.tokens
	classes := map[string]*int64{"input": &t.Input, "output": &t.Output,
		"cache_write_5m": &t.CacheWrite5m, "cache_write_1h": &t.CacheWrite1h, "cache_read": &t.CacheRead}
	if err := onlyKeys(stated, "input", "output", "cache_write_5m", "cache_write_1h", "cache_read"); err != nil {
		return fmt.Errorf("usage: %w", err)
	}
	for name, v := range stated {
		n, ok := v.(int64)
		if !ok || n < 0 || n > maxTokens {
			return fmt.Errorf("usage: %s: want an integer from 0 to %d", name, int64(maxTokens))
		}
		*classes[name] = n
	}
	return nil
}

// stopReasons are those of the API. A typing error would otherwise look like a client's
// fault.
var stopReasons = [...]string{"end_turn", "tool_use", "max_tokens", "stop_sequence", "pause_turn", "refusal", "model_context_window_exceeded"}

func (a *answer) readStop(v any) error {
	if v == nil {
		return nil
	}
	s, ok := v.(string)
	if !ok || !slices.Contains(stopReasons[:], s) {
		return fmt.Errorf("stop_reason: want one of %s", strings.Join(stopReasons[:], ", "))
	}
	a.stop = s
	return nil
}
