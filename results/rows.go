package results

import (
	"encoding/json"
	"time"

	"github.com/sandtable/sandtable/results/history"
)

// Tokens counts the five classes of tokens, which have five prices. They do not
// overlap: their sum is all tokens of a response.
type Tokens struct {
	Input        int64 `json:"input"` // not from, and not into, the cache
	Output       int64 `json:"output"`
	CacheWrite5m int64 `json:"cache_write_5m"`
	CacheWrite1h int64 `json:"cache_write_1h"`
	CacheRead    int64 `json:"cache_read"`
}

// Add adds u to t.
func (t *Tokens) Add(u Tokens) {
	t.Input += u.Input
	t.Output += u.Output
	t.CacheWrite5m += u.CacheWrite5m
	t.CacheWrite1h += u.CacheWrite1h
	t.CacheRead += u.CacheRead
}

// Total is the number of tokens of all classes.
func (t Tokens) Total() int64 {
	return t.Input + t.Output + t.CacheWrite5m + t.CacheWrite1h + t.CacheRead
}

// LedgerRow is one response of the model API, in ledger.jsonl: one row per message id,
// failed and retried requests included.
type LedgerRow struct {
	Agent     string `json:"agent"`
	Turn      int    `json:"turn"`
	Stage     int    `json:"stage"`
	Attempt   int    `json:"attempt"`
	Kind      string `json:"kind"` // act, retry, probe, judge, world
	Model     string `json:"model"`
	MessageID string `json:"message_id"`
	Tokens    Tokens `json:"tokens"`
	NanoUSD   int64  `json:"nanousd"`
	Priced    bool   `json:"priced"` // false: the model has no price, and nanousd says nothing
	Status    int    `json:"status"` // of HTTP
}

// TraceRow is one event of trace.jsonl: how a run went. Only what an event has is set.
type TraceRow struct {
	Time      time.Time       `json:"time"`       // of the wall, UTC
	ElapsedNS int64           `json:"elapsed_ns"` // monotonic, since the run opened
	Event     string          `json:"event"`
	Turn      int             `json:"turn,omitempty"`
	Stage     int             `json:"stage,omitempty"`
	Agent     string          `json:"agent,omitempty"`
	Attempt   int             `json:"attempt,omitempty"`
	Text      string          `json:"text,omitempty"`
	Data      json.RawMessage `json:"data,omitempty"`
}

// The events that [TraceRow] readers of this module look for; there are others.
const (
	EventPrompt = "prompt" // Text is what the agent was asked; Turn, Stage, Agent, Attempt are set
	EventSealed = "sealed" // a stage was sealed; Turn and Stage are set
)

// Episode is one run of an in-memory batch, in a cell's episodes.jsonl.
type Episode struct {
	Replicate int                    `json:"replicate"`
	Seed      uint64                 `json:"seed,string"`
	Status    RunStatus              `json:"status"`
	Reason    string                 `json:"reason"`
	Turns     int                    `json:"turns"`
	Commits   int                    `json:"commits,omitempty"`
	Conflicts int                    `json:"conflicts,omitempty"`
	Paths     map[string]int         `json:"paths,omitempty"` // of agents' write sets, by outcome
	Lost      int                    `json:"lost_updates,omitempty"`
	Outcomes  []history.NamedValue   `json:"outcomes,omitempty"`
	Scores    map[string]float64     `json:"scores,omitempty"`
	Draws     map[string]int         `json:"draws,omitempty"`    // by stream name
	Failures  map[string]int         `json:"failures,omitempty"` // by category
	Agents    map[string]*AgentStats `json:"agents,omitempty"`
	History   history.Hash           `json:"history,omitempty"` // identity of the run
	WallNS    int64                  `json:"wall_ns,omitempty"`
}
