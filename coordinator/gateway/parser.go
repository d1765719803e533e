package gateway

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parser keeps the first error; after it everything else is read as far as it goes.
type parser struct{ err error }

func (p *parser) fail(place, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("%s: %s", place, fmt.Sprintf(format, args...))
	}
}

func (p *parser) head(r *Request, top map[string]any, counting bool) {
	r.Model = p.model(top["model"])
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

// maxModel is the API's own bound of a model's name, which goes into books and tables.
const maxModel = 256

func (p *parser) model(v any) string {
	name := p.text(v, "model", true)
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		p.fail("model", "is empty")
	case n > maxModel:
		p.fail("model", "has %d characters; at most %d are allowed", n, maxModel)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		p.fail("model", "input should be a name, without control characters")
	}
	return name
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

func (p *parser) system(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return joined(p.blocks(v, "system"))
}

func (p *parser) tools(v any) []string {
	if v == nil {
		return nil
	}
	var names []string
	for i, t := range p.list(v, "tools") {
		place := fmt.Sprintf("tools.%d", i)
		o := p.object(t, place)
		if name := p.text(o["name"], place+".name", false); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (p *parser) message(v any, i int) Message {
	place := fmt.Sprintf("messages.%d", i)
	o := p.object(v, place)
	msg := Message{Role: p.text(o["role"], place+".role", true)}
	switch c := o["content"].(type) {
	case nil:
		p.fail(place+".content", "field required")
	case string:
		msg.Blocks = []Block{{Type: "text", Text: c}}
	default:
		msg.Blocks = p.blocks(c, place+".content")
	}
	return msg
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
