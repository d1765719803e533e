package gateway

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
)

// Tokens are the five classes of tokens that are priced apart.
type Tokens struct {
	Input        int64 `json:"input"` // without what was written to or read from the cache
	Output       int64 `json:"output"`
	CacheWrite5m int64 `json:"cache_write_5m"`
	CacheWrite1h int64 `json:"cache_write_1h"`
	CacheRead    int64 `json:"cache_read"`
}

// Plus returns the sums of t and u.
func (t Tokens) Plus(u Tokens) Tokens {
	return Tokens{
		Input:        t.Input + u.Input,
		Output:       t.Output + u.Output,
		CacheWrite5m: t.CacheWrite5m + u.CacheWrite5m,
		CacheWrite1h: t.CacheWrite1h + u.CacheWrite1h,
		CacheRead:    t.CacheRead + u.CacheRead,
	}
}

// Prompt is the length of the whole prompt, cached or not.
func (t Tokens) Prompt() int64 { return t.Input + t.CacheWrite5m + t.CacheWrite1h + t.CacheRead }

// Total is the number of tokens of all classes.
func (t Tokens) Total() int64 { return t.Prompt() + t.Output }

// Kind says what a request was for.
type Kind string

// The kinds of requests.
const (
	KindAct       Kind = "act"       // the agent's own loop
	KindSubagent  Kind = "subagent"  // a sub-agent of the agent
	KindRetry     Kind = "retry"     // the same conversation again, within one attempt
	KindAuxiliary Kind = "auxiliary" // the client's own errands: requests without tools
)

// Status says how a response ended.
type Status string

// The ends of a response. The zero value is not one of them.
const (
	Complete Status = "complete" // the upstream said all it had to say
	Cut      Status = "cut"      // the client went away or the upstream broke off
	Failed   Status = "error"    // an error instead of a response, or in the middle of it
	// Unmetered is a response that says nothing usable about its usage. Its tokens are
	// zero or too low, and it is not priced.
	Unmetered Status = "unmetered"
)

// Row is one line of the ledger: what the upstream answered to one inference request.
// Failed requests have a row, too, with the tokens that were reported, mostly none.
type Row struct {
	Sequence int64  `json:"sequence"` // from 1, in the order of the books
	Agent    string `json:"agent"`
	Turn     int    `json:"turn"`
	Phase    string `json:"phase,omitempty"`
	Stage    int    `json:"stage"`
	Attempt  int    `json:"attempt"`
	Kind     Kind   `json:"kind"`
	// Model is the one that the response names, or the request if the response does not.
	Model     string `json:"model"`
	MessageID string `json:"message_id,omitempty"`
	Tokens    Tokens `json:"tokens"`
	NanoUSD   int64  `json:"nanousd"` // 0 if not priced
	// Priced is false if the price table does not know the model, or if the response was
	// billed by a rule that the table does not hold (fast mode, regional inference, web
	// search): then NanoUSD is 0 and no sum that contains the row is the whole truth.
	Priced     bool   `json:"priced"`
	Status     Status `json:"status"`
	HTTPStatus int    `json:"http_status"`
	Stream     bool   `json:"stream"`
}

// Usage is a sum of rows.
type Usage struct {
	Rows     int64  `json:"rows"`
	Tokens   Tokens `json:"tokens"`
	NanoUSD  int64  `json:"nanousd"`
	Unpriced int64  `json:"unpriced"` // rows without a price, save those that cost nothing
}

func (u *Usage) add(r Row) {
	u.Rows++
	u.Tokens = u.Tokens.Plus(r.Tokens)
	u.NanoUSD += r.NanoUSD
	if !r.Priced && (r.Tokens != (Tokens{}) || r.Status == Unmetered) {
		u.Unpriced++
	}
}

// ErrLedger is in the chain of the error that [Options.Fault] hears when the sink refused
// a row. From then on the gateway answers no inference: what cannot be booked is not spent.
var ErrLedger = errors.New("the ledger cannot be written")

// ledger is owned by the goroutine in run; the others send to in or ask on ask.
type ledger struct {
	in     chan posting
	ask    chan inquiry
	ended  chan struct{}
	prices *Prices
	sink   func(Row) error
	fault  func(error)
	log    hclog.Logger
	failed atomic.Bool // broken is set

	// Owned by run:
	sequence int64
	seen     map[string]bool // agent, NUL, message id
	agents   map[string]*Usage
	total    Usage
	broken   error
}

type posting struct {
	row    Row
	booked chan<- error
}

type inquiry struct {
	agent  string
	all    bool
	answer chan<- Usage
}

func newLedger(o Options, fault func(error)) *ledger {
	l := &ledger{
		in: make(chan posting), ask: make(chan inquiry), ended: make(chan struct{}),
		prices: o.Prices, sink: o.Sink, fault: fault, log: o.Log,
		seen: map[string]bool{}, agents: map[string]*Usage{},
	}
	for _, r := range o.Earlier {
		l.sequence = max(l.sequence, r.Sequence)
		l.count(r)
	}
	return l
}

// run books until in is closed. It goes on answering inquiries afterwards only through
// usage, which then reads the fields directly: nobody changes them any more.
func (l *ledger) run() {
	defer close(l.ended)
	for {
		select {
		case p, open := <-l.in:
			if !open {
				return
			}
			p.booked <- l.book(p.row)
		case q := <-l.ask:
			q.answer <- l.sum(q)
		}
	}
}

// post books a row and returns once the sink has it.
func (l *ledger) post(r Row) error {
	booked := make(chan error, 1)
	l.in <- posting{r, booked}
	return <-booked
}

func (l *ledger) usage(agent string, all bool) Usage {
	answer := make(chan Usage, 1)
	q := inquiry{agent, all, answer}
	select {
	case l.ask <- q:
		return <-answer
	case <-l.ended:
		return l.sum(q)
	}
}

func (l *ledger) sum(q inquiry) Usage {
	if q.all {
		return l.total
	}
	if u := l.agents[q.agent]; u != nil {
		return *u
	}
	return Usage{}
}

func (l *ledger) book(r Row) error {
	if r.MessageID != "" && l.seen[r.Agent+"\x00"+r.MessageID] {
		l.log.Warn("a message id came twice; counted once", "agent", r.Agent, "message", r.MessageID)
		return l.broken
	}
	if r.Priced { // the meter's verdict so far: nothing special about the response
		r.NanoUSD, r.Priced = l.prices.Cost(r.Model, r.Tokens)
	}
	l.sequence++
	r.Sequence = l.sequence
	l.count(r)
	if l.sink == nil || l.broken != nil {
		return l.broken
	}
	if err := l.sink(r); err != nil {
		l.broken = fmt.Errorf("row %d of agent %s: %w: %w", r.Sequence, r.Agent, ErrLedger, err)
		l.failed.Store(true)
		l.fault(l.broken)
	}
	return l.broken
}

func (l *ledger) count(r Row) {
	if r.MessageID != "" {
		l.seen[r.Agent+"\x00"+r.MessageID] = true
	}
	if l.agents[r.Agent] == nil {
		l.agents[r.Agent] = &Usage{}
	}
	l.agents[r.Agent].add(r)
	l.total.add(r)
}
