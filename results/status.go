package results

import "fmt"

// RunStatus is how a run ended. The zero value is invalid and is never written.
type RunStatus string

// The statuses.
const (
	Completed     RunStatus = "completed"      // the rules ended it: it counts
	Truncated     RunStatus = "truncated"      // a limit ended it: censored
	Void          RunStatus = "void"           // a failure policy said that it does not count
	HarnessFailed RunStatus = "harness_failed" // the world, the coordinator or what is around it broke
	Interrupted   RunStatus = "interrupted"    // it was stopped, or is still running
)

// Valid reports whether the status is one of the constants.
func (s RunStatus) Valid() bool {
	switch s {
	case Completed, Truncated, Void, HarnessFailed, Interrupted:
		return true
	}
	return false
}

// MarshalText refuses an invalid status.
func (s RunStatus) MarshalText() ([]byte, error) {
	if !s.Valid() {
		return nil, fmt.Errorf("run status %q is none", string(s))
	}
	return []byte(s), nil
}

// UnmarshalText refuses an unknown status.
func (s *RunStatus) UnmarshalText(text []byte) error {
	if v := RunStatus(text); v.Valid() {
		*s = v
		return nil
	}
	return fmt.Errorf("run status %.40q: want completed, truncated, void, harness_failed or interrupted", text)
}
