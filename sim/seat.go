package sim

import "github.com/sandtable/sandtable/sim/tree"

// Seat is one fixed, named place in a run. Seats never change while a run lasts;
// who of them may act is a matter of the live set (E2).
type Seat struct {
	Name   string         // unique in the run
	Entry  string         // the entry of the scenario's `agents` it came from
	Role   string         // "" if none was dealt
	Player string         // the player definition that fills it
	Index  int            // 1-based number within its entry
	Number int            // 0-based number within the run: seat order
	Vars   map[string]any // the agent's own data: JSON values, read only
	Focal  bool           // false: background

	// Joins and Leaves are tested as a turn opens. A nil Joins joins in turn 1, a
	// nil Leaves never leaves. A seat that has left does not come back.
	Joins, Leaves func(*Scope) (bool, error)
	// Read and Write say which paths the seat may see and change; a phase may
	// override both.
	Read, Write tree.Globs
}

// SeatStatus is what became of a seat (E5).
type SeatStatus string

// The statuses of a seat. Only active seats are asked.
const (
	Inactive    SeatStatus = "INACTIVE" // has not joined yet
	Active      SeatStatus = "ACTIVE"
	Done        SeatStatus = "DONE"    // the rules ended it, or the run ended
	SeatError   SeatStatus = "ERROR"   // forfeited by a crash
	SeatInvalid SeatStatus = "INVALID" // forfeited by an unusable move
	SeatTimeout SeatStatus = "TIMEOUT" // forfeited by a deadline
	SeatBudget  SeatStatus = "BUDGET"  // its own token or money limit was used up when it left or the run ended
)

// Scope is what conditions and lists between stages may look at: the whole state of
// the game at the current revision.
type Scope struct {
	Turn   int // from 1; 0 during set-up
	Phase  string
	Lap    int
	Seats  []*Seat  // all possible seats, in seat order
	Live   []string // names of the live ones, in seat order
	State  State
	Passes int   // passes in a row in this phase; for stop: the turn's last
	Agent  *Seat // only where a value is asked for one seat (hear, mail, read, write)
}

// AgentScope is what texts and schemas made for one agent may look at. It has no
// state and no other agent's record: those hold roles and secrets.
type AgentScope struct {
	Turn    int
	Phase   string
	Lap     int
	Agent   *Seat
	Names   []string // all possible seats
	Live    []string
	Inbox   []Message
	Notices []string
	Schema  any // the schema in force for this act, a JSON value; nil: none
	// See returns the observation, a JSON value; it is computed when first asked for.
	See func() (any, error)
}
