package scenarios

import (
	"math"
	"time"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// ExpandOptions come from the command line; nil leaves the file's own.
type ExpandOptions struct {
	Replicates *int
	Seed       *uint64
	Sets       []Set // further ones, after those given to [Load]
}

// Plan is what a scenario comes to: cells in document order, the last axis fastest,
// and every cell's runs. It is never changed.
type Plan struct {
	Scenario   *Scenario
	Seed       uint64
	SeedDrawn  bool // neither the file nor an option gave it
	Replicates int
	Cells      []*Cell
	Runs       []*Run // cell by cell
}

// Cell is one combination of the matrix, with what is known before a run.
type Cell struct {
	ID     string // c01, c02, …
	Params map[string]any
	// Axes are the parameters that the matrix gives, in its order.
	Axes    []string
	Entries []*Entry
	Seats   []SeatSpec // in seat order
	Max     int        // turns.max
	Limits  RunLimits
	Files   map[string]string // workspace.files, evaluated

	lookup expr.Lookup
}

// Entry is an entry of `agents` in a cell.
type Entry struct {
	Agent  *Agent
	Player *Player // the definition and the entry's own fields, the entry winning
	Name   string
	Def    string // name of the definition among players, or ""
	Role   string // of all its seats
	// OwnRoles: the role is an expression over the seat, and evaluated with its fields.
	OwnRoles bool
	Roles    []RoleCount // to be dealt; their numbers add up to Count
	Count    int
	// Limits are the entry's, evaluated; the format's defaults are filled in.
	Limits SeatLimits
}

// RoleCount is a role and how many have it.
type RoleCount struct {
	Role string
	N    int
}

// SeatSpec is one seat of a cell.
type SeatSpec struct {
	Name   string
	Entry  *Entry
	Index  int // from 1, within the entry
	Number int // from 0, within the run
}

// RunLimits are the limits of one run, the format's defaults filled in; 0 is none.
type RunLimits struct {
	Turns, Tokens int
	USD           float64
	Wall, Idle    time.Duration
	HasUSD        bool
}

// NanoUSD turns a limit in dollars into nano-dollars, in which everything is booked, to the
// nearest.
func NanoUSD(usd float64) int64 { return int64(math.Round(usd * 1e9)) }

// SeatLimits are a player's limits; Tokens 0 and HasUSD false are none.
type SeatLimits struct {
	Steps, Mail int
	Act, Bank   time.Duration
	Tokens      int
	USD         float64
	HasUSD      bool
}

// Run is one replicate of one cell.
type Run struct {
	ID        string // r001, r002, …
	Plan      *Plan
	Cell      *Cell
	Replicate int // from 1
	Seed      uint64
}

// Params returns the cell's parameters. The caller must not change them.
func (r *Run) Params() map[string]any { return r.Cell.Params }
