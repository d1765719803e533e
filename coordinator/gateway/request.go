package gateway

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// Request is what the gateway reads in the body of an inference or counting request. It
// is a reading, not the request: what is passed on is always the body itself. It may not
// be changed.
type Request struct {
	Model     string
	Stream    bool
	MaxTokens int64 // 0 if the body has none; only counting requests may
	System    string
	Messages  []Message
	Tools     []string // names, in order
}

// Message is one message of a conversation. Roles are an open set: clients put messages
// with role "system" between the others.
type Message struct {
	Role   string
	Blocks []Block
}

// Block is one content block. Types are an open set; fields that a type does not have
// are zero.
type Block struct {
	Type    string
	Text    string // of a text block, and the joined texts of a tool_result
	ID      string // of a tool_use, and the one that a tool_result answers
	Name    string // of a tool_use
	Input   any    // of a tool_use: a JSON value
	IsError bool   // of a tool_result
}

// ParseRequest reads the body of an inference request, or of a counting one, which needs
// no max_tokens. The error names the place in the body. Fields and types that it does not
// know are let through.
func ParseRequest(body []byte, counting bool) (*Request, error) {
	v, err := expr.Decode(body)
	if err != nil {
		return nil, err
	}
	top, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("the body is no JSON object")
	}
	r := &Request{}
	p := parser{}
	p.head(r, top, counting)
	p.system(r, top["system"])
	p.tools(r, top["tools"])
	p.messages(r, top["messages"])
	if p.err != nil {
		return nil, p.err
	}
	return r, nil
}

// parser keeps the first error; after it everything else is read as far as it goes.
type parser struct{ err error }

func (p *parser) fail(place, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("%s: %s", place, fmt.Sprintf(format, args...))
	}
}

func (p *parser) head(r *Request, top map[string]any, counting bool) {
	if r.Model = p.text(top["model"], "model", true); r.Model == "" {
		p.fail("model", "is empty")
	}
	if s, there := top["stream"]; there && s != nil {
		var ok bool
		if r.Stream, ok = s.(bool); !ok {
			p.fail("stream", "input should be a boolean")
		}
	}
	switch n, ok := top["max_tokens"].(int64); {
	case ok && n > 0:
		r.MaxTokens = n
	case top["max_tokens"] != nil:
		p.fail("max_tokens", "input should be a positive integer")
	case !counting:
		p.fail("max_tokens", "field required")
	}
}

func (p *parser) text(v any, place string, required bool) string {
	s, ok := v.(string)
	if !ok && (v != nil || required) {
		if v == nil {
			p.fail(place, "field required")
		} else {
			p.fail(place, "input should be a string")
		}
	}
	return s
}

func (p *parser) list(v any, place string) []any {
	list, ok := v.([]any)
	if !ok {
		p.fail(place, "input should be a list")
	}
	return list
}

func (p *parser) object(v any, place string) map[string]any {
	o, ok := v.(map[string]any)
	if !ok {
		p.fail(place, "input should be an object")
	}
	return o
}

func (p *parser) system(r *Request, v any) {
	switch v := v.(type) {
	case nil:
	case string:
		r.System = v
	default:
		r.System = joined(p.blocks(v, "system"))
	}
}

func (p *parser) tools(r *Request, v any) {
	if v == nil {
		return
	}
	for i, t := range p.list(v, "tools") {
		place := fmt.Sprintf("tools.%d", i)
		o := p.object(t, place)
		if name := p.text(o["name"], place+".name", false); name != "" {
			r.Tools = append(r.Tools, name)
		}
	}
}

func (p *parser) messages(r *Request, v any) {
	if v == nil {
		p.fail("messages", "field required")
		return
	}
	list := p.list(v, "messages")
	if len(list) == 0 {
		p.fail("messages", "at least one message is required")
	}
	for i, m := range list {
		place := fmt.Sprintf("messages.%d", i)
		o := p.object(m, place)
		msg := Message{Role: p.text(o["role"], place+".role", true)}
		switch c := o["content"].(type) {
		case nil:
			p.fail(place+".content", "field required")
		case string:
			msg.Blocks = []Block{{Type: "text", Text: c}}
		default:
			msg.Blocks = p.blocks(c, place+".content")
		}
		r.Messages = append(r.Messages, msg)
	}
}

func (p *parser) blocks(v any, place string) []Block {
	list := p.list(v, place)
	out := make([]Block, 0, len(list))
	for i, e := range list {
		at := fmt.Sprintf("%s.%d", place, i)
		if o := p.object(e, at); o != nil {
			out = append(out, p.block(o, at))
		}
	}
	return out
}

func (p *parser) block(o map[string]any, at string) Block {
	b := Block{Type: p.text(o["type"], at+".type", true)}
	switch b.Type {
	case "text":
		b.Text = p.text(o["text"], at+".text", true)
	case "tool_use":
		b.ID = p.text(o["id"], at+".id", true)
		b.Name = p.text(o["name"], at+".name", true)
		b.Input = o["input"]
	case "tool_result":
		b.ID = p.text(o["tool_use_id"], at+".tool_use_id", true)
		b.IsError, _ = o["is_error"].(bool)
		b.Text = p.result(o["content"], at+".content")
	}
	return b
}

// result is the text of a tool_result, whose content may be missing, a text or blocks.
func (p *parser) result(v any, place string) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return joined(p.blocks(v, place))
}

// joined is the texts of blocks, a line each.
func joined(blocks []Block) string {
	var texts []string
	for _, b := range blocks {
		if b.Type == "text" {
			texts = append(texts, b.Text)
		}
	}
	return strings.Join(texts, "\n")
}
