package results

import (
	"fmt"
	"syscall"
)

// Verdict is what an expectation, or all of them, came to. The zero value is invalid
// and is never written.
type Verdict string

// The verdicts.
const (
	Passed             Verdict = "passed"
	Failed             Verdict = "failed"
	ErrorVerdict       Verdict = "error"        // the harness failed, or the judgement itself did
	Inconclusive       Verdict = "inconclusive" // undefined, too few, or too many runs that do not count
	Skipped            Verdict = "skipped"      // not judged
	InterruptedVerdict Verdict = "interrupted"  // stopped before everything was played
	NoVerdict          Verdict = "none"         // nothing was expected
)

// rank orders verdicts by which decides over others. Skipped and unknown ones decide
// over passed: they never count as it.
func (v Verdict) rank() int {
	switch v {
	case NoVerdict:
		return 0
	case Passed:
		return 1
	case Skipped:
		return 2
	case Inconclusive:
		return 3
	case Failed:
		return 4
	case ErrorVerdict:
		return 5
	case InterruptedVerdict:
		return 6
	}
	return -1
}

// MarshalText refuses what is no verdict.
func (v Verdict) MarshalText() ([]byte, error) {
	if v.rank() < 0 {
		return nil, fmt.Errorf("verdict %q is none", string(v))
	}
	return []byte(v), nil
}

// UnmarshalText refuses what is no verdict.
func (v *Verdict) UnmarshalText(text []byte) error {
	if Verdict(text).rank() < 0 {
		return fmt.Errorf("verdict %.40q is none", text)
	}
	*v = Verdict(text)
	return nil
}

// Combine returns the verdict that decides over all: interrupted before error before
// failed before inconclusive before skipped before passed. Of none it is none; what is
// no verdict counts as error.
func Combine(verdicts ...Verdict) Verdict {
	worst := NoVerdict
	for _, v := range verdicts {
		if v.rank() < 0 {
			v = ErrorVerdict
		}
		if v.rank() > worst.rank() {
			worst = v
		}
	}
	return worst
}

// The exit codes of the command line that results decide. 2 (usage) and 5 (nothing
// matched) are decided before anything runs.
const (
	ExitPassed       = 0
	ExitFailed       = 1
	ExitHarness      = 3
	ExitInconclusive = 4
	exitSignal       = 128 // plus the signal's number
)

// ExitCode is the exit code of a batch: 128 plus the signal's number for one that was
// interrupted (130 where the signal is not known), else 3 where the harness failed,
// else what the verdict says. Only passed, and none of a batch whose runs all count,
// are 0.
func ExitCode(v Verdict, harnessFailed bool, interrupted syscall.Signal) int {
	switch {
	case interrupted != 0:
		return exitSignal + int(interrupted)
	case v == InterruptedVerdict:
		return exitSignal + int(syscall.SIGINT)
	case harnessFailed:
		return ExitHarness
	}
	switch v {
	case Passed, NoVerdict:
		return ExitPassed
	case Failed:
		return ExitFailed
	case Inconclusive, Skipped:
		return ExitInconclusive
	}
	return ExitHarness
}
