package sim

import "github.com/sandtable/sandtable/sim/tree"

// State is a world's state at one revision. It is immutable once returned. It is a
// JSON value (nil, bool, int64, float64, string, []any, map[string]any), or a type of
// the world's own; one that implements [Valuer] says itself what its JSON value is,
// any other is encoded with encoding/json where a value is needed.
type State any

// Valuer gives the JSON value of a state.
type Valuer interface{ Value() any }

// World is the rules of a game. It owns no clock and no generator. Embed [Rules] to
// write only what a world needs.
//
// Setup and Resolve are called by the run's goroutine. The others get states that are
// no longer changed and must be safe to call concurrently.
//
// An error from any method ends the run as a harness failure. What Observe, Actions and
// Drawn hand over are JSON values in the types of this package: an int is an error.
type World interface {
	// Setup returns the first state.
	Setup(ctx *ResolveCtx) (State, error)
	// Resolve is the pure function of T3.4: the state before, one move for each
	// member in canonical order, the streams of this stage; it returns the state
	// after and may not change the one before.
	Resolve(state State, moves []Move, ctx *ResolveCtx) (State, error)
	// Observe returns what a seat is shown: a JSON value; nil shows nothing.
	Observe(state State, seat *Seat, ctx *Ctx) (any, error)
	// Actions returns the schema of a seat's action; nil: the phase's.
	Actions(state State, seat *Seat, ctx *Ctx) (any, error)
	// Check returns "" or the reason why an action is against the rules.
	Check(state State, seat *Seat, action any, ctx *Ctx) (string, error)
	// Done returns "" or the reason why the game is over.
	Done(state State, ctx *Ctx) (string, error)
	// Score returns the seats' scores.
	Score(state State, ctx *Ctx) (map[string]float64, error)
}

// Rules is a world without rules: state {}, nothing shown, everything legal, no end.
type Rules struct{}

// Setup returns the empty state.
func (Rules) Setup(*ResolveCtx) (State, error) { return map[string]any{}, nil }

// Resolve returns the state unchanged.
func (Rules) Resolve(s State, _ []Move, _ *ResolveCtx) (State, error) { return s, nil }

// Observe shows nothing.
func (Rules) Observe(State, *Seat, *Ctx) (any, error) { return map[string]any{}, nil }

// Actions leaves the phase's schema in force.
func (Rules) Actions(State, *Seat, *Ctx) (any, error) { return nil, nil }

// Check allows everything.
func (Rules) Check(State, *Seat, any, *Ctx) (string, error) { return "", nil }

// Done never ends the game.
func (Rules) Done(State, *Ctx) (string, error) { return "", nil }

// Score scores nobody.
func (Rules) Score(State, *Ctx) (map[string]float64, error) { return map[string]float64{}, nil }

// Ctx is what a world may look at besides its state.
type Ctx struct {
	Params map[string]any // the cell's parameters: JSON values, read only
	Turn   int            // 0 in Setup
	Phase  string
	Lap    int
	Stage  int
	Agents []*Seat  // all possible seats
	Live   []string // names of the live ones; in Setup nobody has joined yet

	files fileView
}

// Tree returns the files that Read and List see, as a value.
func (c *Ctx) Tree() (*tree.Tree, tree.Blobs) { return c.files.now() }

// Read returns the text of a file of the head, and whether there is one. Bytes that
// are not UTF-8 are returned as they are; a symbolic link is no file.
func (c *Ctx) Read(path string) (string, bool, error) { return c.files.read(path) }

// List returns the paths of the head that match glob, sorted.
func (c *Ctx) List(glob string) ([]string, error) { return c.files.list(glob) }

// ResolveCtx is what Setup and Resolve may do besides: draw, write, mail, eliminate.
// Files are read after the stage's write sets and this call's own writes.
type ResolveCtx struct {
	Ctx
	effects *effects
}

// Random returns the dice of the world's stream name in this stage. Every draw is
// logged as a move of @chance (H1). The same name gives the same dice again.
func (c *ResolveCtx) Random(name string) *Dice { return c.effects.random(name) }

// Key is the key of the world's stream name in this stage, for worlds outside this
// process; what they draw comes back by [ResolveCtx.Drawn] (D8).
func (c *ResolveCtx) Key(name string) [32]byte { return c.effects.key(name) }

// Drawn logs a draw that a world outside this process made.
func (c *ResolveCtx) Drawn(name string, value any) { c.effects.drawn(name, value) }

// Write sets a file's text, after the agents' write sets and never in conflict: files
// that leave no room for it are removed. An executable stays one.
func (c *ResolveCtx) Write(path, text string) error { return c.effects.write(path, text) }

// Append adds text at a file's end; a missing file is created.
func (c *ResolveCtx) Append(path, text string) error { return c.effects.append(path, text) }

// Remove deletes a file; a missing one is no error.
func (c *ResolveCtx) Remove(path string) error { return c.effects.remove(path) }

// Mail sends text to seats (see [Letter]); it is delivered at publish, from @world, to
// those of them who are in the game. What Setup sends waits for those who will join.
func (c *ResolveCtx) Mail(seats any, text string) error { return c.effects.mail(seats, text) }

// Eliminate takes a seat out of the game at the stage's end (E3); one that has not
// joined yet never will. One that is out already stays as it is.
func (c *ResolveCtx) Eliminate(name, reason string) error { return c.effects.eliminate(name, reason) }
