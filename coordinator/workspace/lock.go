package workspace

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// lockDoc is what a holder writes beside its lock, for people and for [LockedError].
// The lock itself is the kernel's: it goes with the process, whatever the document says.
type lockDoc struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
}

// lockName is the file that is locked, in the sandbox's folder of locks and in the journal:
// a sandbox may be a new one at each start, the journal is the run's one and only.
const lockName = "coordinator.lock"

// takeLock locks a file of dir, for what: the sandbox or the journal. The file is never
// removed: two processes could otherwise hold locks on two files of that name.
func takeLock(what, dir, name string) (*flock.Flock, error) {
	lock := flock.New(name, flock.SetPermissions(0o644), flock.SetFlag(os.O_CREATE|os.O_RDWR))
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("workspace: lock %s: %w", name, err)
	}
	if !got {
		_ = lock.Close()
		return nil, lockedBy(what, dir, name)
	}
	doc, _ := json.Marshal(lockDoc{os.Getpid(), time.Now().UTC()})
	if err := os.WriteFile(name, append(doc, '\n'), 0o644); err != nil {
		_ = lock.Close()
		return nil, &StorageError{"write", name, err}
	}
	return lock, nil
}

// lockedBy reads the holder's document. It may be half written: then the holder is not
// named.
func lockedBy(what, dir, name string) error {
	out := &LockedError{What: what, Dir: dir}
	var doc lockDoc
	if data, err := os.ReadFile(name); err == nil && json.Unmarshal(data, &doc) == nil {
		out.PID, out.Started = doc.PID, doc.Started
	}
	return out
}
