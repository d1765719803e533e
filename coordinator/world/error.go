package world

import (
	"fmt"
	"strings"
)

// Kind says how a world program failed. The zero value is not one of them.
type Kind string

// The kinds of failure.
const (
	Start    Kind = "start"    // the process could not be started
	Crash    Kind = "crash"    // it ended, or closed its output
	Timeout  Kind = "timeout"  // a call was not answered in time
	Protocol Kind = "protocol" // what it wrote is no answer to the call
	Refused  Kind = "refused"  // it answered with an error, or with a value of the wrong kind
	Stopped  Kind = "stopped"  // the run was cancelled, or the world closed
)

// Error is a failure of a world program: the harness's failure, never an agent's.
type Error struct {
	Kind   Kind
	Call   string // what it was asked; "": nothing yet
	Text   string
	Exit   string // how the process ended; "" while it runs
	Stderr string // the last of its standard error, at most 4 KiB
	cause  error
}

// Error says what happened, how the process ended and what it last complained of.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("world program: ")
	if e.Call != "" {
		b.WriteString(e.Call + ": ")
	}
	b.WriteString(e.Text)
	if e.Exit != "" {
		fmt.Fprintf(&b, " (%s)", e.Exit)
	}
	if e.Stderr != "" {
		b.WriteString("; the end of its standard error:\n" + strings.TrimRight(e.Stderr, "\n"))
	}
	return b.String()
}

// Unwrap returns what the failure came from, where that was a Go error.
func (e *Error) Unwrap() error { return e.cause }
