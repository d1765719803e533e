package coordinator

import (
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/sandtable/sandtable/coordinator/gateway"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/scenarios"
)

// Limits of the coordinator itself, apart from the scenario's.
const (
	killLimit    = 10 * time.Second // for a process tree to be gone once it is killed
	goodbyeLimit = 10 * time.Second // for all agents to end at the run's end
	startLimit   = time.Minute      // for an agent to be ready; its MCP servers have half of it
)

// Options say how a run is played. Run and Dir are required.
type Options struct {
	Run *scenarios.Run
	Dir *results.Run // made for this run; nothing is in it but run.json
	// Info is run.json as it stands; the coordinator completes it.
	Info results.RunInfo
	// Sandbox is the folder in which the run's own sandbox is made; "": the temporary
	// directory.
	Sandbox string
	// Claude is the Claude Code CLI; required if any seat is played by it.
	Claude string
	Prices *gateway.Prices // nil: the program's own
	// Acts is how many acts may be open at a time; 0: all of a stage.
	Acts int
	Log  hclog.Logger // nil: silent
	// Watch hears how the run goes, for display; it must not block. nil: nobody does.
	Watch func(Progress)
	// Delay is how long the scripted model thinks about an agent's n-th request, from 1.
	// It changes nothing in the outcome. nil: not at all.
	Delay func(agent string, n int64) time.Duration
	// NoSync leaves out every wait for the disk, for measurements.
	NoSync bool

	opened func(*run) // hears of the run once all its parts are open; for tests
}

// Progress is a sign of life of a run, for display only.
type Progress struct {
	Run     string // cell/replicate
	Turn    int
	Acting  int // acts that are open
	Tokens  int64
	NanoUSD int64
}

// HarnessError says that the run ended because the harness, the world or the
// scenario's own expressions failed: never an agent.
type HarnessError struct{ Err error }

func (e *HarnessError) Error() string { return fmt.Sprintf("harness failed: %v", e.Err) }

// Unwrap returns the cause.
func (e *HarnessError) Unwrap() error { return e.Err }
