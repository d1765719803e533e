package sim

import (
	"context"
	"time"

	"github.com/sandtable/sandtable/sim/tree"
)

// Status is the terminal state of a member in a sealed stage (T3.3).
type Status string

// The stage states. The zero value is not one of them.
const (
	Committed Status = "committed"
	Passed    Status = "passed"
	Invalid   Status = "invalid"
	TimedOut  Status = "timeout"
	Crashed   Status = "crashed"
)

// Category says why an attempt failed (F1). "" is no failure.
type Category string

// The categories, in the order in which they are tested: the first that fits is the
// one. Budget stands beside F1's seven for an agent whose own limit is used up.
const (
	Transport  Category = "TRANSPORT"  // the call failed outside the agent
	Crash      Category = "CRASH"      // the process ended without a valid move
	Timeout    Category = "TIMEOUT"    // the deadline passed
	Truncated  Category = "TRUNCATED"  // the output hit a size, token or step cap
	Empty      Category = "EMPTY"      // no usable content
	Unparsable Category = "UNPARSABLE" // content, but no action in it
	Illegal    Category = "ILLEGAL"    // an action that breaks rules, schema or path scope
	Budget     Category = "BUDGET"     // the agent's token or money limit is used up
)

// Message is one delivered piece of mail. IDs are unique in a run and are assigned in
// the order (stage, canonical rank of the sender, the sender's own sequence) (T7).
type Message struct {
	ID     int64  `json:"id"`
	Sender string `json:"sender"`
	Text   string `json:"text"`
}

// Letter is mail as an agent or a world hands it in: To names seats (an agent, an
// entry, "role:R", "all", or a list of these). An agent reaches by role only those of
// its own: who holds which role may be a secret (V5).
type Letter struct {
	To   any    `json:"to"`
	Text string `json:"text"`
}

// Ask is one attempt asked of one seat. It may be used from the actor's goroutine, its
// methods also from others where they say so, and not after the actor has returned.
type Ask struct {
	ID      string // turn.stage.attempt; stages are counted through the turn (T8)
	Turn    int
	Phase   string
	Lap     int
	Stage   int
	Attempt int // from 1
	Seat    *Seat
	Inbox   []Message // published since the seat last acted
	Notices []string  // rejections, conflicts, returned mail since it last acted
	Schema  *Schema   // nil: the stage wants no action
	// Optional: silence is no failure.
	Optional bool
	Via      Via
	Mail     []string      // whom the seat may write to now: live names, never itself
	Limit    time.Duration // act limit of this attempt, without the bank; 0: none
	Bank     time.Duration // what is left of the seat's bank when the attempt opens
	Limits   ActLimits
	Tools    []string   // tools of this phase; nil: the player's own
	Read     tree.Globs // what it may see
	Write    tree.Globs // what it may change
	Memory   any        // what a script kept from its last act; nil at first
	// Retry is why the previous attempt failed; nil on the first.
	Retry *Failure

	member *member
}

// Failure is a failed attempt: its category and a text for the agent.
type Failure struct {
	Category Category `json:"category"`
	Text     string   `json:"text"`
}

// Error makes a failure usable as an error.
func (f *Failure) Error() string { return string(f.Category) + ": " + f.Text }

// Prompt returns the rendered prompt, inbox, notices and schema included. It holds no
// path of the machine. It may be called from any goroutine.
func (a *Ask) Prompt() (string, error) {
	a.member.mu.Lock()
	defer a.member.mu.Unlock()
	return a.member.prompt()
}

// Observation returns what the world shows this seat: a JSON value. It may be called
// from any goroutine.
func (a *Ask) Observation() (any, error) {
	a.member.mu.Lock()
	defer a.member.mu.Unlock()
	return a.member.observation()
}

// Default returns the action that a failed move is replaced by where the policy says so,
// and false where there is none. It may be called from any goroutine.
func (a *Ask) Default() (any, bool, error) {
	m := a.member
	m.mu.Lock()
	defer m.mu.Unlock()
	v, err := m.defaultAction()
	if err != nil {
		m.err = err
	}
	return v, err == nil && v != nil, err
}

// CheckLetter tells whether a letter could be sent now: nil, or a *[Failure] whose
// text names the reason. The engine judges every letter again at the seal.
func (a *Ask) CheckLetter(l Letter) error { return a.member.checkLetter(l) }

// ActLimits bound one act beside its time. Zero fields mean "no limit".
type ActLimits struct {
	Steps int // model requests
	Mail  int // letters
}

// Via says how an action reaches the harness.
type Via struct {
	Kind ViaKind
	File string // for ViaFile: the path in the view
}

// ViaKind is a way for an action to arrive.
type ViaKind string

// The ways: a tool call, the last JSON object of the reply's text, or a file.
const (
	ViaTool  ViaKind = "tool"
	ViaReply ViaKind = "reply"
	ViaFile  ViaKind = "file"
)

// Answer is what an actor returns for one [Ask].
type Answer struct {
	// Failure is set when the attempt failed; then the rest, save Writes, Draws and
	// Used, is ignored. Its category is one of F1's.
	Failure *Failure
	// Pass is an explicit pass: no action, and no failure.
	Pass bool
	// Action is a JSON object, or nil: a map[string]any that holds JSON values in the
	// types of this package (an int or a []string is none). Anything else is UNPARSABLE.
	Action any
	Say    string
	Mail   []Letter
	// Writes are the seat's changes against [Ask.View]. After a failure they are not
	// committed; their bytes are kept and their author is told.
	Writes tree.WriteSet
	// Draws is how often the actor drew from its own stream (see [Ask.Key]): counted, so
	// that a report can tell whether the seed has an effect (D9), and not recorded.
	Draws int
	// Used is how long the act took, for the bank. It belongs to the trace, never to
	// the history (C5).
	Used time.Duration
	// Memory is a JSON value that replaces what a script keeps between its acts. It
	// counts if the move stands: a failed attempt leaves the memory as it was.
	Memory any
}

// Actor fills a seat.
type Actor interface {
	// Act plays one attempt. It must return soon after ctx is done; whatever it
	// returns then is ignored. A panic ends the run as a harness failure, with its stack.
	Act(ctx context.Context, ask *Ask) Answer
}

// ActorFunc makes an actor of a function.
type ActorFunc func(ctx context.Context, ask *Ask) Answer

// Act calls f.
func (f ActorFunc) Act(ctx context.Context, ask *Ask) Answer { return f(ctx, ask) }

// Move is what a world resolves: one per member of the stage, in canonical order. The
// list belongs to the engine and may not be kept after Resolve has returned.
type Move struct {
	Agent       string
	Action      any // JSON object, or nil
	Say         string
	Mail        []Letter
	Status      Status
	Category    Category
	Substituted bool // the action is the phase's default, not the agent's choice (F2)
}
