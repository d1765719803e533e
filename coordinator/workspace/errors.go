package workspace

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// ErrBroken is returned by [Workspace.Publish] after an earlier one failed between
// intent and commit: the disk is between two revisions. Opening the journal again
// finishes it.
var ErrBroken = errors.New("workspace: an earlier publish stopped half way: open the journal again to finish it")

// ErrClosed is returned by calls on a closed workspace.
var ErrClosed = errors.New("workspace: closed")

// LockedError says that another coordinator holds the sandbox directory or the journal.
type LockedError struct {
	What    string // sandbox, or journal
	Dir     string
	PID     int       // 0: its lock document could not be read
	Started time.Time // when it took the lock
}

// Error names the holder and the remedy.
func (e *LockedError) Error() string {
	who := "another coordinator"
	if e.PID != 0 {
		who = fmt.Sprintf("coordinator pid %d, started %s,", e.PID, e.Started.UTC().Format(time.RFC3339))
	}
	remedy := "wait for it to end, or stop it"
	if e.What == "sandbox" {
		remedy += ", or use another --sandbox"
	}
	return fmt.Sprintf("%s %s: %s holds it: %s", e.What, e.Dir, who, remedy)
}

// StorageError says that the disk did not take what had to be kept. [IsFull] tells whether
// it is full.
type StorageError struct {
	Op   string // what was being done
	Path string
	Err  error
}

// Error names the operation, the path and, for a full disk, the remedy.
func (e *StorageError) Error() string {
	hint := ""
	if IsFull(e.Err) {
		hint = ": free space or use another disk"
	}
	return fmt.Sprintf("workspace: %s %s: %v%s", e.Op, e.Path, e.Err, hint)
}

// Unwrap returns the cause.
func (e *StorageError) Unwrap() error { return e.Err }

// IsFull reports whether err comes from a full disk or an exhausted quota.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// SeedError lists everything in a seed that cannot be taken.
type SeedError struct{ Problems []Refusal }

// Error names each path with its reason.
func (e *SeedError) Error() string { return "workspace: cannot seed: " + listRefusals(e.Problems) }

// CredentialError lists files of a seed that look like credentials.
type CredentialError struct{ Paths []string }

// Error names all files and the remedy.
func (e *CredentialError) Error() string {
	return "workspace: refusing to show credentials to agents: " + strings.Join(e.Paths, ", ") +
		": remove them, or list them under workspace.ignore"
}

// Refusal is a path that was not taken, and why. An empty Path stands for the view as
// a whole. The reason is fit for an agent: it names no path of the machine.
type Refusal struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// String is "path: reason".
func (r Refusal) String() string {
	if r.Path == "" {
		return "the view: " + r.Reason
	}
	return showPath(r.Path) + ": " + r.Reason
}

func listRefusals(list []Refusal) string {
	parts := make([]string, len(list))
	for i, r := range list {
		parts[i] = r.String()
	}
	return strings.Join(parts, "; ")
}
