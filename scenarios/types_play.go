package scenarios

import "time"

// Player is what plays a seat. Fields that are not given are unset: the engine that
// runs the player knows the defaults named here.
type Player struct {
	Given
	Runtime     Dyn[string] // claude (default), program, script (implied by Script)
	Model       Dyn[string]
	Prompt      Text        // who you are
	System      Dyn[string] // append (default) or replace
	Tools       Dyn[[]string]
	Permissions *Permissions
	MCP         []Named[*MCPServer]
	Subagents   *Subagents
	Options     Dyn[map[string]any] // command line flags of the CLI
	Script      Dyn[string]         // file.star[:function]
	Command     Dyn[[]string]
	Env         Dyn[map[string]string]
	Vars        Dyn[map[string]any]
	Network     Dyn[string] // none, model (default), open
	Limits      *PlayerLimits
}

// Permissions are rules of the CLI for tools.
type Permissions struct {
	Allow, Deny Dyn[[]string]
}

// MCPServer is a server that the player's tools come from: a command or an address.
type MCPServer struct {
	Given
	Command Dyn[[]string]
	URL     Dyn[string]
	Secrets Dyn[[]string] // names of environment variables handed to it alone
}

// Subagents bounds what a player may start.
type Subagents struct {
	Max Dyn[int] // default 0
}

// PlayerLimits bound a player. The first four may be overridden by a phase.
type PlayerLimits struct {
	Given
	Steps  Dyn[int]           // model requests an act; default 50
	Act    Dyn[time.Duration] // default 5m
	Mail   Dyn[int]           // letters an act; default 20
	Bank   Dyn[time.Duration] // default 0s
	Tokens Dyn[int]           // a run; unset: none
	USD    Dyn[float64]       // a run; unset: none
}

// Agent is an entry of `agents`: one seat, or a numbered group of them.
type Agent struct {
	Player // what the entry says itself; it wins over the player's definition

	Name   string
	Count  Dyn[int] // unset: one seat with the entry's name
	Base   Dyn[string]
	Role   Dyn[string]
	Roles  []Named[Dyn[int]] // dealt by stream `roles`
	Joins  *When             // nil: turn 1
	Leaves *When             // nil: never
	Focal  Dyn[bool]         // default true
	Read   Dyn[[]string]     // globs; unset: [DefaultGlobs]
	Write  Dyn[[]string]
}

// DefaultGlobs is what an agent may read and write unless it says otherwise, with
// its own name in place of NAME.
func DefaultGlobs(name string) []string {
	return []string{"private/" + name + "/**", "!private/**", "!hidden/**", "**"}
}

// Turns is the course of a turn.
type Turns struct {
	Max    Dyn[int]
	Phases []*Phase // at least one; the turns' own keys filled in as defaults
}

// Phase is a part of a turn.
type Phase struct {
	Given
	Name      string
	When      Dyn[bool]
	Who       Dyn[[]string] // seats; unset: all
	WorldOnly bool          // who: none
	Order     Dyn[Order]
	Canonical Dyn[Canonical]
	Repeat    Dyn[int]
	Until     Dyn[bool]
	Prompt    Text     // unset: the default prompt
	Action    Dyn[any] // schema; unset: none
	Via       *Via     // nil: tool
	Optional  *bool    // nil: true without a schema
	Default   Dyn[any]
	Hear      Dyn[[]string] // seats
	Mail      Dyn[[]string] // seats
	Read      Dyn[[]string] // globs
	Write     Dyn[[]string]
	Tools     []string // nil: the player's
	Limits    *PhaseLimits
	Failures  *Failures // completed by the turns' and the scenario's
}

// PhaseLimits override a player's.
type PhaseLimits struct {
	Given
	Steps Dyn[int]
	Act   Dyn[time.Duration]
	Mail  Dyn[int]
}

// Order is how a phase's members are split into stages: a name, or the stages.
type Order struct {
	Name   string // simultaneous, sequential, rotating, shuffled, random; "" with Stages
	Stages [][]string
}

// Canonical is the order in which a stage's results are applied: a name, or seats.
type Canonical struct {
	Name  string // seeded, seat, rotating; "" with Seats
	Seats []string
}

// Via is how an action arrives: tool, reply or file.
type Via struct {
	Kind string
	File string // for file: the path in the view
}

// Failures says what happens when an attempt fails.
type Failures struct {
	Given
	Illegal, Timeout, Crash, Transport, Budget FailurePolicy
	ForfeitAfter                               int
}

// FailurePolicy allows Retry further attempts, then does Then.
type FailurePolicy struct {
	Retry int
	Then  string // pass, default, forfeit or void
}
