package results

import (
	"strings"

	"github.com/sandtable/sandtable/results/history"
)

// AgentStats is what one seat, or another account of the ledger, did and cost.
type AgentStats struct {
	Turns     int            `json:"turns"`              // in which it was asked
	Moves     int            `json:"moves"`              // sealed results
	Failures  map[string]int `json:"failures,omitempty"` // failed attempts by category
	LastError string         `json:"last_error,omitempty"`
	Tokens    Tokens         `json:"tokens"`
	NanoUSD   int64          `json:"nanousd"`
	Commits   int            `json:"commits"`   // write sets taken into the head
	Conflicts int            `json:"conflicts"` // paths of it that met another's change

	lastTurn int
}

// Add adds u's counts to a.
func (a *AgentStats) Add(u *AgentStats) {
	a.Turns += u.Turns
	a.Moves += u.Moves
	for category, n := range u.Failures {
		a.fail(category, n)
	}
	if u.LastError != "" {
		a.LastError = u.LastError
	}
	a.Tokens.Add(u.Tokens)
	a.NanoUSD += u.NanoUSD
	a.Commits += u.Commits
	a.Conflicts += u.Conflicts
}

func (a *AgentStats) fail(category string, n int) {
	if a.Failures == nil {
		a.Failures = map[string]int{}
	}
	a.Failures[category] += n
}

// Tally folds the records of one run into numbers. The zero Tally is ready; the run
// need not have ended.
type Tally struct {
	Seed               uint64
	Replicate          int
	Seats              []string // in seat order
	Turns, Moves       int
	Commits, Conflicts int
	Paths              map[string]int // paths of agents' write sets, by outcome of the decision
	Lost               int            // paths whose head was displaced by a later writer (lww)
	Draws              int            // records of chance
	Agents             map[string]*AgentStats
	Failures           []history.SeatFailure
	Foreign            bool         // the head was changed from outside: not reproducible
	End                *history.End // nil: the run did not end
}

// Add folds one record.
func (t *Tally) Add(r history.Record) {
	switch r := r.(type) {
	case *history.Run:
		t.open(r)
	case *history.Turn:
		t.Turns = max(t.Turns, r.Turn)
	case *history.Draw:
		t.Draws++
	case *history.Seal:
		for i := range r.Results {
			t.result(r.Turn, r.Stage, &r.Results[i])
		}
	case *history.Revision:
		t.Foreign = t.Foreign || r.Author == "@foreign"
		for i := range r.WriteSets {
			t.writeSet(&r.WriteSets[i])
		}
	case *history.End:
		t.End = r
	}
}

func (t *Tally) open(r *history.Run) {
	t.Seed, t.Replicate = r.Seed, r.Replicate
	for _, s := range r.Seats {
		t.Seats = append(t.Seats, s.Name)
		t.agent(s.Name)
	}
}

func (t *Tally) agent(name string) *AgentStats {
	if t.Agents == nil {
		t.Agents = map[string]*AgentStats{}
	}
	a := t.Agents[name]
	if a == nil {
		a = &AgentStats{}
		t.Agents[name] = a
	}
	return a
}

func (t *Tally) result(turn, stage int, r *history.Result) {
	a := t.agent(r.Agent)
	t.Moves++
	a.Moves++
	if a.lastTurn != turn {
		a.lastTurn = turn
		a.Turns++
	}
	for i, attempt := range r.Attempts {
		f := attempt.Failure
		if f == nil {
			continue
		}
		text := shorten(f.Text)
		a.fail(f.Category, 1)
		a.LastError = text
		t.Failures = append(t.Failures, history.SeatFailure{Agent: r.Agent, Attempt: i + 1,
			Category: f.Category, Stage: stage, Text: text, Turn: turn})
	}
}

// shorten bounds a text that agents have a hand in before it is kept for a summary; the
// history has the whole of it.
func shorten(s string) string {
	const most = 1000 // bytes
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// writeSet counts what was taken from seats and from outside; what the world and the
// operator write is no commit.
func (t *Tally) writeSet(w *history.WriteSet) {
	switch w.Author {
	case "@world", "@setup", "@intervention":
		return
	}
	a := &AgentStats{}
	if w.Author != "@foreign" {
		a = t.agent(w.Author)
	}
	if w.Applied && len(w.Decisions) > 0 {
		t.Commits++
		a.Commits++
	}
	for _, d := range w.Decisions {
		if t.Paths == nil {
			t.Paths = map[string]int{}
		}
		t.Paths[d.Outcome]++
		if d.Contended() {
			t.Conflicts++
			a.Conflicts++
		}
		if d.Outcome == history.Superseded {
			t.Lost++
		}
	}
}

// Status is what the records say about how the run ended.
func (t *Tally) Status() RunStatus {
	switch {
	case t.End == nil:
		return Interrupted
	case t.End.Void:
		return Void
	case t.End.Truncated:
		return Truncated
	}
	return Completed
}
