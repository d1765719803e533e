package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// wireAnswer is an answer with its ids, ready to travel. Ids are made of agent and ordinal
// and not drawn: unique within the run, and the same when it is played again.
type wireAnswer struct {
	id, model, stop string
	parts           []part
	tools           []string // ids, by part
	tokens          Tokens
}

func newWireAnswer(c *Call, a *answer) *wireAnswer {
	name := strings.ReplaceAll(c.Agent, ".", "_") // clients check ids for [A-Za-z0-9_-]
	m := &wireAnswer{
		id: fmt.Sprintf("msg_%s_%d", name, c.Ordinal), model: c.Request.Model,
		stop: a.stop, parts: a.parts, tokens: a.tokens,
	}
	for i := range a.parts {
		m.tools = append(m.tools, fmt.Sprintf("toolu_%s_%d_%d", name, c.Ordinal, i+1))
	}
	return m
}

// The objects of the API, with their fields in its order.
type (
	apiMessage struct {
		ID           string     `json:"id"`
		Type         string     `json:"type"`
		Role         string     `json:"role"`
		Model        string     `json:"model"`
		Content      []apiBlock `json:"content"`
		StopReason   *string    `json:"stop_reason"`
		StopSequence *string    `json:"stop_sequence"`
		Usage        apiUsage   `json:"usage"`
	}
	apiBlock struct {
		Type  string          `json:"type"`
		Text  *string         `json:"text,omitempty"`
		ID    string          `json:"id,omitempty"`
		Name  string          `json:"name,omitempty"`
		Input json.RawMessage `json:"input,omitempty"`
	}
	apiUsage struct {
		Input         int64      `json:"input_tokens"`
		CacheCreation int64      `json:"cache_creation_input_tokens"`
		CacheRead     int64      `json:"cache_read_input_tokens"`
		Created       apiCreated `json:"cache_creation"`
		Output        int64      `json:"output_tokens"`
		Tier          string     `json:"service_tier"`
	}
	apiCreated struct {
		FiveMinutes int64 `json:"ephemeral_5m_input_tokens"`
		OneHour     int64 `json:"ephemeral_1h_input_tokens"`
	}
	apiDelta struct {
		Type string  `json:"type"`
		Text *string `json:"text,omitempty"`
		JSON *string `json:"partial_json,omitempty"`
	}
	apiStop struct {
		StopReason   string  `json:"stop_reason"`
		StopSequence *string `json:"stop_sequence"`
	}
)

func (m *wireAnswer) usage(output int64) apiUsage {
	t := m.tokens
	return apiUsage{
		Input: t.Input, CacheCreation: t.CacheWrite5m + t.CacheWrite1h, CacheRead: t.CacheRead,
		Created: apiCreated{t.CacheWrite5m, t.CacheWrite1h}, Output: output, Tier: "standard",
	}
}

func (m *wireAnswer) message() apiMessage {
	return apiMessage{ID: m.id, Type: "message", Role: "assistant", Model: m.model, Content: []apiBlock{}}
}

func (m *wireAnswer) block(i int) apiBlock {
	p := m.parts[i]
	if p.tool == "" {
		return apiBlock{Type: "text", Text: &p.text}
	}
	return apiBlock{Type: "tool_use", ID: m.tools[i], Name: p.tool, Input: canonical(p.input)}
}

// whole sends the answer in one piece.
func (m *wireAnswer) whole(w http.ResponseWriter) {
	msg := m.message()
	for i := range m.parts {
		msg.Content = append(msg.Content, m.block(i))
	}
	msg.StopReason, msg.Usage = &m.stop, m.usage(m.tokens.Output)
	body := encode(msg)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Request-Id", "req_"+m.id)
	w.WriteHeader(http.StatusOK)
	w.Write(body) // a client that has gone is nobody to tell
}

// stream sends the answer event by event. It stops when the client has gone.
func (m *wireAnswer) stream(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Request-Id", "req_"+m.id)
	w.WriteHeader(http.StatusOK)
	s := &sender{w: w, flush: http.NewResponseController(w)}
	start := m.message()
	start.Usage = m.usage(min(1, m.tokens.Output)) // the real API's placeholder, too
	s.send("message_start", field{"message", start})
	s.send("ping")
	for i := range m.parts {
		m.sendBlock(s, i)
	}
	s.send("message_delta", field{"delta", apiStop{StopReason: m.stop}},
		field{"usage", map[string]int64{"output_tokens": m.tokens.Output}})
	s.send("message_stop")
}

func (m *wireAnswer) sendBlock(s *sender, i int) {
	block, empty := m.block(i), ""
	text := m.parts[i].text
	if block.Type == "text" {
		block.Text = &empty
	} else {
		text, block.Input = string(block.Input), json.RawMessage("{}")
	}
	s.send("content_block_start", field{"index", i}, field{"content_block", block})
	for _, piece := range pieces(text) {
		delta := apiDelta{Type: "text_delta", Text: &piece}
		if block.Type == "tool_use" {
			delta = apiDelta{Type: "input_json_delta", JSON: &piece}
		}
		s.send("content_block_delta", field{"index", i}, field{"delta", delta})
	}
	s.send("content_block_stop", field{"index", i})
}

// pieces cuts a text where a stream would: often enough that clients have to put it
// together, and never within a character.
func pieces(s string) []string {
	const most = 512
	var out []string
	for len(s) > most {
		cut := most
		for !utf8.RuneStart(s[cut]) && cut > most-utf8.UTFMax { // no further, if it is no UTF-8
			cut--
		}
		out, s = append(out, s[:cut]), s[cut:]
	}
	return append(out, s)
}

// sender writes events and flushes each. After the first error it writes no more.
type sender struct {
	w     http.ResponseWriter
	flush *http.ResponseController
	err   error
}

type field struct {
	name  string
	value any
}

func (s *sender) send(event string, fields ...field) {
	if s.err != nil {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "event: %s\ndata: {\"type\":%q", event, event)
	for _, f := range fields {
		fmt.Fprintf(&b, ",%q:%s", f.name, encode(f.value))
	}
	b.WriteString("}\n\n")
	if _, s.err = s.w.Write([]byte(b.String())); s.err == nil {
		s.err = s.flush.Flush()
	}
}

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("gateway: " + err.Error()) // structs of strings, numbers and valid JSON
	}
	return data
}

func writeCount(w http.ResponseWriter, n int64) {
	body := encode(map[string]int64{"input_tokens": n})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}
