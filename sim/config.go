package sim

import (
	"context"
	"time"

	"github.com/sandtable/sandtable/sim/tree"
)

// Config is one run, ready to be played. Nothing in it may change while it is.
type Config struct {
	Seats  []*Seat
	Actors map[string]Actor // by seat name; every seat has one
	World  World            // nil: [Rules]
	Params map[string]any   // what the world sees as ctx.params
	Phases []Phase          // at least one; names unique
	Events []Event
	// MaxTurns is the game's length: reaching it terminates with reason "max".
	MaxTurns int
	// TurnLimit is a cap: reaching it truncates with reason "turns". 0: none.
	TurnLimit int
	// Stop is tested after each stage; nil: never.
	Stop     func(*Scope) (reason string, stop bool, err error)
	Metrics  []Measure
	Outcomes []Measure
	Streams  Streams
	Bank     map[string]time.Duration // by seat name; missing: 0
	// Draws were made while the run was set up (roles, populations); they are recorded
	// first. Stream is a readable path.
	Draws []*Draw

	Tree     *tree.Tree // r0; nil: empty
	Blobs    tree.Blobs // nil: in memory
	Policies tree.Policies
	// Foreign returns what changed the head from outside the run since it was last
	// asked; it is called as a stage is sealed that will be resolved: not for an empty or
	// a void one. nil: nothing ever does.
	Foreign func(context.Context) (tree.WriteSet, error)

	// ConflictNote adds to a notice about a path that was not taken where its author
	// finds both versions; nil: nothing is added.
	ConflictNote func(seat *Seat, turn int, path string) string

	// Serial runs the actors of a stage one after another on Play's goroutine, in
	// seat order. For actors that compute and do not wait, this is the fast way; the
	// outcome is the same.
	Serial bool
	// Observer hears everything that decides the outcome; nil: nobody does, and what
	// only an observer needs is not computed.
	Observer Observer
}

// Phase is a named part of a turn. Functions may be nil where the comment says what
// that means.
type Phase struct {
	Name      string
	When      func(*Scope) (bool, error) // nil: always
	Who       SeatsFunc                  // nil: all
	WorldOnly bool                       // who: none — the world resolves with no moves
	Order     Order
	Stages    func(*Scope) ([][]string, error) // for OrderExplicit
	Canonical Canonical
	Ranking   SeatsFunc // for CanonicalList
	// Split and Rank, where they are set, say as each lap opens what Order with Stages,
	// and as each stage opens what Canonical with Ranking would.
	Split    func(*Scope) (Order, [][]string, error)
	Rank     func(*Scope) (Canonical, []string, error)
	Repeat   func(*Scope) (int, error)  // laps; nil: 1
	Until    func(*Scope) (bool, error) // after each stage; nil: never
	Prompt   func(*AgentScope) (string, error)
	Action   func(*AgentScope) (any, error) // schema; nil or a nil value: none
	Via      Via
	Optional bool
	Default  func(*AgentScope) (any, error) // default action; nil: none
	Hear     SeatsFunc                      // nil: nobody
	Mail     SeatsFunc                      // nil: nobody
	Read     func(*Scope) (tree.Globs, error)
	Write    func(*Scope) (tree.Globs, error)
	Tools    []string // nil: the player's
	Failures Failures // policies that are zero: those of [DefaultFailures]
	// Act is the time limit of an attempt for a seat, Limits its other limits.
	Act    func(*Seat) time.Duration // nil: none
	Limits func(*Seat) ActLimits     // nil: none
}

// SeatsFunc names seats. Names that are not live are dropped by the engine; a name
// that is no seat at all is an error.
type SeatsFunc func(*Scope) ([]string, error)

// Order is how a phase's members are split into stages (T2).
type Order string

// The orders.
const (
	Simultaneous  Order = "simultaneous" // one stage with everybody
	Sequential    Order = "sequential"   // one stage each, in seat order
	Rotating      Order = "rotating"     // seat order shifted by the turn's number
	Shuffled      Order = "shuffled"     // a fresh permutation each lap
	RandomOrder   Order = "random"       // one stage, one seat drawn with replacement
	OrderExplicit Order = "explicit"     // Phase.Stages
)

// Canonical is the order in which a sealed stage's results are applied (T4).
type Canonical string

// The kinds of canonical order.
const (
	Seeded            Canonical = "seeded" // by hash of stream key and seat: random, stable under insertion
	BySeat            Canonical = "seat"
	CanonicalRotating Canonical = "rotating"
	CanonicalList     Canonical = "list" // Phase.Ranking
)

// Failures is what happens when an attempt fails, by group of categories (F2).
type Failures struct {
	Illegal   FailurePolicy // TRUNCATED, EMPTY, UNPARSABLE, ILLEGAL
	Timeout   FailurePolicy
	Crash     FailurePolicy
	Transport FailurePolicy
	Budget    FailurePolicy
	// ForfeitAfter consecutive failed stages forfeit the seat; 0: never.
	ForfeitAfter int
}

// FailurePolicy allows Retry further attempts in the same stage, then does Then.
type FailurePolicy struct {
	Retry int
	Then  FailureAction
}

// FailureAction is what a failed seat's move becomes.
type FailureAction string

// The actions. The zero value is not one of them.
const (
	ThenPass    FailureAction = "pass"    // no effect
	ThenDefault FailureAction = "default" // the phase's default action, marked as substituted
	ThenForfeit FailureAction = "forfeit" // the seat leaves the game
	ThenVoid    FailureAction = "void"    // the run does not count
)

// DefaultFailures are the policies of a scenario that names none: the design's
// example file, section 1 of the scenario format.
func DefaultFailures() Failures {
	return Failures{
		Illegal:   FailurePolicy{Retry: 2, Then: ThenPass},
		Timeout:   FailurePolicy{Then: ThenPass},
		Crash:     FailurePolicy{Retry: 1, Then: ThenForfeit},
		Transport: FailurePolicy{Then: ThenVoid},
		Budget:    FailurePolicy{Then: ThenPass},
	}
}

// Event is an operator's change between stages (P2): a revision of its own by
// @intervention. Agents see its effects, not its author.
type Event struct {
	At     func(*Scope) (bool, error)
	Before string // phase; "": as the turn opens
	// Set changes keys of the state, whose JSON value must be a dict; the world gets that
	// value, not its own type, afterwards. nil: none.
	Set    func(*Scope) (map[string]any, error)
	Write  func(*Scope) (map[string]string, error) // path to text; nil: none
	Remove func(*Scope) ([]string, error)
	Mail   func(*Scope) ([]Letter, error)
}

// Measure is a named metric or outcome.
type Measure struct {
	Name string
	Eval func(context.Context, *MeasureScope) (any, error) // JSON value; nil: undefined
}

// MeasureScope is what metrics and outcomes may look at.
type MeasureScope struct {
	Turn      int
	Seats     []*Seat
	Live      []string
	State     State
	Scores    map[string]float64
	Tree      *tree.Tree
	Blobs     tree.Blobs
	Commits   int // write sets taken into the head so far
	Conflicts int // paths whose commit was not a plain fast-forward or clean merge so far
	// Only for outcomes:
	Reason    string
	Truncated bool
	Series    map[string][]any // metric name to one value per turn
}
