package process

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrSupervisor means that the supervisor process died or could not do its work: a
// failure of the harness, never of an agent.
var ErrSupervisor = errors.New("the supervisor of the run's processes failed")

// ErrClosed is returned by what is asked of a supervisor after its Close.
var ErrClosed = errors.New("the supervisor is closed")

// SpawnError says that a program could not be started: it is missing, not executable,
// or its directory is.
type SpawnError struct {
	Name string // of the agent
	Argv []string
	Text string
}

func (e *SpawnError) Error() string {
	return fmt.Sprintf("starting %s (%q): %s", e.Name, e.Argv, e.Text)
}

// SurvivorsError names processes that could not be killed, or frozen, in time: they are
// in uninterruptible sleep, most likely on a file system that does not answer.
type SurvivorsError struct {
	Name string // of the agent, or "the run"
	PIDs []int
	Want string // killed, frozen
}

func (e *SurvivorsError) Error() string {
	return fmt.Sprintf("%s: processes %v are not %s; see their stacks in /proc/PID/stack", e.Name, e.PIDs, e.Want)
}

// Exit is how an agent's own process ended.
type Exit struct {
	Code   int            // exit code; -1 if a signal ended it or nobody knows
	Signal syscall.Signal // 0: none
	// Err is set when the tree was not ended as it should be: an [ErrSupervisor] or a
	// [*SurvivorsError].
	Err error
}

// String is for people: "exit code 3", "signal killed".
func (e Exit) String() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.Signal != 0:
		return "signal " + e.Signal.String()
	}
	return fmt.Sprintf("exit code %d", e.Code)
}
