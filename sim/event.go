package sim

import "github.com/sandtable/sandtable/sim/tree"

// Observer hears a run's events in order, on Play's goroutine. An error ends the run
// as a harness failure: what cannot be recorded has not happened.
type Observer interface{ Observe(Record) error }

// Record is a pointer to one of the types below; all hold values that are never changed
// afterwards.
type Record interface{ record() }

// RunOpened is the first record: the seats and the streams' root. Revision 0 is its
// tree.
type RunOpened struct {
	Seed      uint64
	Replicate int
	Seats     []*Seat
	Params    map[string]any
	Tree      *tree.Tree
}

// TurnOpened names who is live as a turn opens, who joined and who left.
type TurnOpened struct {
	Turn               int
	Live, Joined, Left []string
}

// PhaseOpened is the partition of one lap of a phase, fixed before its first stage
// (T1). Skipped: `when` was false.
type PhaseOpened struct {
	Turn    int
	Phase   string
	Lap     int
	Skipped bool
	Order   Order
	Stages  [][]string
}

// Draw is one act of @chance (H1).
type Draw struct {
	Turn, Stage int
	Stream      string // the path of the stream, readable
	Kind        string // int, float, choice, weighted, shuffle, sample, permutation, external
	Args        []any
	Result      any
}

// StageOpened is recorded before anybody acts: members and the canonical order (T4).
type StageOpened struct {
	Turn, Stage int
	Phase       string
	Lap         int
	Members     []string // in seat order
	Canonical   []string // over the full membership
}

// Sealed is one member's result in a sealed stage.
type Sealed struct {
	Agent       string
	Status      Status
	Category    Category
	Attempts    []Attempt
	Action      any
	Say         string
	Mail        []Letter
	Substituted bool
	Forfeit     bool
	Writes      tree.WriteSet // as handed in
	Memory      any
}

// Attempt is one attempt of a member: what it was shown, and how it failed. The texts
// are recorded by hash in the history and whole in the trace.
type Attempt struct {
	Failure     *Failure
	Prompt      string
	Observation any
	Used        float64 // seconds; trace only
}

// StageSealed holds the results in canonical order.
type StageSealed struct {
	Turn, Stage int
	Results     []Sealed
	Empty       bool // nobody was live (T6)
}

// WriteSetDecided is one author's write set taken, or not taken, into the head.
type WriteSetDecided struct {
	Author    string // a seat, @world, @intervention or @foreign
	Applied   bool
	Decisions []tree.Decision
}

// Delivery is one letter at publish: a message with its recipients, or returned.
type Delivery struct {
	Message
	To       []string
	Returned string // not "": the reason why it came back to its sender
}

// Revised is a new revision: R(i), whole (T3.5).
type Revised struct {
	Turn, Stage int
	Revision    int
	Author      string // "" for a stage; @setup, @intervention, @foreign
	Tree        *tree.Tree
	State       State
	WriteSets   []WriteSetDecided
	Mail        []Delivery
	Eliminated  []Elimination
}

// Elimination is a seat that leaves the game at a stage's end.
type Elimination struct {
	Agent  string     `json:"agent"`
	Reason string     `json:"reason"`
	Status SeatStatus `json:"status"`
	// Final is the last observation of the seat (E3).
	Final any `json:"final"`
}

// Measured holds a turn's metrics.
type Measured struct {
	Turn   int
	Values []NamedValue
}

// NamedValue is a metric or an outcome: a JSON value; nil is undefined.
type NamedValue struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// RunEnded is the last record.
type RunEnded struct{ Result *Result }

// Result is how a run ended.
type Result struct {
	Turns      int // turns that were opened
	Stages     int // sealed, empty ones included
	Moves      int // sealed results, members of all stages
	Terminated bool
	Truncated  bool
	Void       bool
	Reason     string
	Scores     map[string]float64
	Outcomes   []NamedValue
	Series     map[string][]any
	Status     map[string]SeatStatus
	Failures   []SeatFailure
	Draws      map[string]int // draws by stream name, a script's own as agent/NAME (D9)
	Revisions  int
	Foreign    int // revisions by @foreign: not 0 means the run cannot be reproduced
	Commits    int
	Conflicts  int
	Tree       *tree.Tree
	State      State
}

// SeatFailure is one failed attempt (F4).
type SeatFailure struct {
	Agent    string   `json:"agent"`
	Turn     int      `json:"turn"`
	Stage    int      `json:"stage"`
	Attempt  int      `json:"attempt"`
	Category Category `json:"category"`
	Text     string   `json:"text"`
}

func (*RunOpened) record()   {}
func (*TurnOpened) record()  {}
func (*PhaseOpened) record() {}
func (*Draw) record()        {}
func (*StageOpened) record() {}
func (*StageSealed) record() {}
func (*Revised) record()     {}
func (*Measured) record()    {}
func (*RunEnded) record()    {}
