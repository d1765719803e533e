package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// reading is what the meter has understood of a response so far.
type reading struct {
	id, model string
	tokens    Tokens
	status    Status
	http      int
	stream    bool
	ended     bool // the stream's last event has passed
	metered   bool // there was a usage
	broken    bool // there was one that makes no sense
	special   bool // billed by a rule that the price table does not hold
}

// wireUsage is the part of a usage object that is counted. Absent fields stay nil: in the
// middle of a stream they mean "as before".
type wireUsage struct {
	Input         *int64 `json:"input_tokens"`
	Output        *int64 `json:"output_tokens"`
	CacheCreation *int64 `json:"cache_creation_input_tokens"`
	CacheRead     *int64 `json:"cache_read_input_tokens"`
	Created       *struct {
		FiveMinutes int64 `json:"ephemeral_5m_input_tokens"`
		OneHour     int64 `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation"`
	ServerTools *struct {
		WebSearches int64 `json:"web_search_requests"`
	} `json:"server_tool_use"`
	Speed string `json:"speed"`
	Geo   string `json:"inference_geo"`
}

type wireMessage struct {
	Type  string          `json:"type"`
	ID    string          `json:"id"`
	Model string          `json:"model"`
	Usage json.RawMessage `json:"usage"`
}

// event takes in one event of a stream. Unknown and unreadable ones say nothing.
func (r *reading) event(data []byte) {
	var e struct {
		Type    string          `json:"type"`
		Message wireMessage     `json:"message"`
		Usage   json.RawMessage `json:"usage"`
	}
	if r.ended || !counts(data) || json.Unmarshal(data, &e) != nil {
		return
	}
	switch e.Type {
	case "message_start":
		r.message(e.Message)
	case "message_delta":
		r.usage(e.Usage)
	case "message_stop":
		r.ended = true
		r.conclude()
	case "error":
		r.ended, r.status = true, Failed
	}
}

// counts tells the few events that are read from the many that are not, without decoding
// them. One that holds these words by chance is decoded for nothing.
func counts(data []byte) bool {
	return bytes.Contains(data, []byte(`"message_`)) || bytes.Contains(data, []byte(`"error"`))
}

// body takes in a whole response that is no stream.
func (r *reading) body(data []byte) {
	var m wireMessage
	err := json.Unmarshal(data, &m)
	if r.http != http.StatusOK || err == nil && m.Type == "error" {
		r.status = Failed
		return
	}
	if err == nil {
		r.message(m)
	}
	r.conclude()
}

func (r *reading) message(m wireMessage) {
	r.id, r.model = m.ID, m.Model
	r.usage(m.Usage)
}

// conclude is the verdict on a response that was not broken off.
func (r *reading) conclude() {
	r.status = Complete
	if !r.metered || r.broken || r.id == "" {
		r.status = Unmetered
	}
}

// breakOff is the verdict on a stream whose upstream has returned.
func (r *reading) breakOff() {
	if r.status == "" {
		r.status = Cut
	}
}

// usage takes in a usage object: all fields at the start; at the end the final output,
// and other classes only where they say more than at the start (some servers repeat them
// as zeros, some count what server tools added).
func (r *reading) usage(data json.RawMessage) {
	if len(data) == 0 || string(data) == "null" {
		return
	}
	var u wireUsage
	if json.Unmarshal(data, &u) != nil {
		r.broken = true
		return
	}
	r.metered = true
	t := &r.tokens
	r.set(&t.Output, u.Output)
	r.set(&t.Input, positive(u.Input))
	r.set(&t.CacheRead, positive(u.CacheRead))
	if c := u.Created; c != nil && c.FiveMinutes+c.OneHour != 0 {
		r.set(&t.CacheWrite5m, &c.FiveMinutes)
		r.set(&t.CacheWrite1h, &c.OneHour)
	} else if n := positive(u.CacheCreation); n != nil {
		// Not split up: what is not known to be for an hour is for five minutes, the
		// default of the API.
		rest := *n - t.CacheWrite1h
		r.set(&t.CacheWrite5m, &rest)
	}
	r.special = r.special || u.Speed == "fast" || u.Geo == "us" || u.ServerTools != nil && u.ServerTools.WebSearches > 0
}

func positive(n *int64) *int64 {
	if n != nil && *n == 0 {
		return nil
	}
	return n
}

func (r *reading) set(field, v *int64) {
	switch {
	case v == nil:
	case *v < 0 || *v > maxTokens:
		r.broken = true
	default:
		*field = *v
	}
}

// row makes a ledger row of a reading, up to price and sequence.
func (r reading) row(c *Call) Row {
	row := Row{
		Agent: c.Agent, Turn: c.Turn, Phase: c.Phase, Stage: c.Stage, Attempt: c.Attempt,
		Kind: c.Kind, Model: r.model, MessageID: r.id, Tokens: r.tokens,
		Status: r.status, HTTPStatus: r.http, Stream: r.stream,
		Priced: !r.special && !r.broken && r.status != Unmetered,
	}
	if row.Model == "" {
		row.Model = c.Request.Model
	}
	return row
}
