package scenarios

import (
	"time"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// Scenario is a loaded scenario file. It is never changed once it is loaded.
type Scenario struct {
	Given
	Path   string // of the file, as it was named
	Dir    string // its folder
	Digest string // over all files of the folder: see [Files.Digest]
	Files  *Files

	Version     int
	Name        string
	Description string
	Params      []Param
	Matrix      []Named[Dyn[[]any]] // in document order, the last fastest
	Seed        *uint64             // nil: drawn
	Replicates  int
	World       *World    // nil: no rules
	Upstream    *Upstream // nil: none given
	Requires    *Requires // nil: nothing
	Workspace   *Workspace
	Players     []Named[*Player]
	Agents      []*Agent
	Turns       *Turns
	Events      []*Event
	Stop        *expr.Expr // nil: never
	Metrics     []Named[*Measure]
	Outcomes    []Named[*Measure]
	Expect      []*Expectation
	Failures    *Failures // the defaults of the format filled in
	Limits      *Limits
	Batch       *Batch

	sets []Set
}

// World is the rules: a Starlark file or a command.
type World struct {
	Star    string        // path in the folder; "" if Command is set
	Command []string      // argv
	Timeout time.Duration // of one call of the command
}

// Upstream is where model requests go.
type Upstream struct {
	// Script is the path of a model.star; "" stands for the built-in replies.
	Script string
}

// Requires is what a run needs from its surroundings; unmet, the run is refused.
type Requires struct {
	Commands []string
	Tier     string // T0, T1, T2 or ""
	Network  string // none, model, open or ""
}

// Workspace is the shared tree and how write sets enter it.
type Workspace struct {
	Given
	From   string               // folder of the scenario copied into r0; "": none
	Files  []Named[Dyn[string]] // inline files of r0, evaluated for each cell
	Setup  [][]string           // argv lists run once, before r0
	Ignore []string             // globs that are not versioned
	Mode   string               // snapshot
	Atomic bool                 // a write set is taken whole or not at all
	Policy []*Policy            // the first whose glob matches decides; else merge3
}

// Policy gives a merge policy to the paths that match a glob.
type Policy struct {
	Path string
	Use  string
}

// Limits bound one run; a limit that is hit truncates and censors it.
type Limits struct {
	Turns  Dyn[int]
	USD    Dyn[float64]
	Tokens Dyn[int]
	Wall   Dyn[time.Duration]
	Idle   Dyn[time.Duration]
}

// Batch bounds all runs of one command.
type Batch struct {
	USD      *float64
	Tokens   *int
	Wall     time.Duration // 0: none
	Parallel int           // 0: as the machine allows
	Excluded float64       // share of void and censored runs that a verdict bears
	Keep     string        // all, failed or none
}

// Event is an operator's change between stages.
type Event struct {
	Given
	At     *When
	Before string // phase; "": as the turn opens
	Set    Dyn[map[string]any]
	Write  *WriteFile
	Remove Dyn[[]string]
	Mail   *SendMail
}

// WriteFile is a file that an event sets.
type WriteFile struct{ Path, Text Dyn[string] }

// SendMail is a letter that an event sends.
type SendMail struct {
	To   Dyn[[]string] // seats
	Text Dyn[string]
}

// When is a moment: turns, or a condition.
type When struct {
	Pos   Pos
	Turns []int // sorted; for At
	// From, Every and Until are a repeated moment; Every is 0 without one.
	From, Every, Until int // Until 0: for ever
	Code               *Value
}

// Measure is a metric or an outcome: an expression, or a command's.
type Measure struct {
	Code    *expr.Expr // nil with Command
	Command []string
	Add     string        // folder of the scenario laid over the copy; "": none
	Timeout time.Duration // of the command
	Value   *expr.Expr    // nil: exit == 0
}
