package workspace

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/go-hclog"

	"github.com/sandtable/sandtable/sim/tree"
)

// Options say where a workspace lives and what it takes. Dir and Journal are required.
type Options struct {
	// Dir is the sandbox directory. Its parts (tree, views, stage, quarantine, home,
	// tmp, locks) must lie on one file system: files are renamed between them.
	Dir string
	// Journal is the run's journal directory, outside Dir.
	Journal string
	// Ignore are the paths that are not versioned. A folder whose own path matches is
	// not entered, unless a pattern starts with "!".
	Ignore tree.Globs
	// Log hears of foreign writes, refusals and recovery; nil: nobody does.
	Log hclog.Logger
	// MaxFile is the largest file taken, in bytes; 0: 32 MiB.
	MaxFile int64
	// MaxFiles is the largest number of names, folders included, in a seed folder, and in
	// a view or the head beyond those of its tree; 0: 20,000.
	MaxFiles int
	// MaxLayout is the largest file laid out in .sandtable/conflicts, in bytes; 0: 1 MiB.
	MaxLayout int64
	// NoSync leaves out every fsync: a killed process loses nothing, a machine that
	// loses power may. For benchmarks and tests.
	NoSync bool
	// NoWatch starts no watcher. Nothing is lost by it but evidence and counters.
	NoWatch bool
	// TrustEvents leaves the boundary scan of the head out when the watcher, asked
	// through a barrier, has seen nothing since the last scan. It is meant for trees
	// too large to scan (about 0.25 s for 100,000 files) and weakens the guarantee:
	// changes that raise no event (stores through a mapping, writes through a hard
	// link outside) are found only at a later scan.
	TrustEvents bool

	_ struct{}

	// fail is a failpoint of tests: an error from it stands for a kill at that step.
	fail func(step string) error
	// swap replaces the exchange of inodes, for negative controls of tests.
	swap func(sd int, sn string, dd int, dn string) (displaced, exchanged bool, err error)
}

const (
	defaultMaxFile   = 32 << 20
	defaultMaxFiles  = 20_000
	defaultMaxLayout = 1 << 20
	// maxDepth bounds the directories above a file, and with them the descriptors
	// that a scan holds open at once.
	maxDepth = 100
)

func (o *Options) complete() error {
	if o.Dir == "" || o.Journal == "" {
		return errors.New("workspace: Options.Dir and Options.Journal are required")
	}
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return fmt.Errorf("workspace: sandbox directory: %w", err)
	}
	if o.Journal, err = filepath.Abs(o.Journal); err != nil {
		return fmt.Errorf("workspace: journal directory: %w", err)
	}
	o.MaxFile = orDefault(o.MaxFile, defaultMaxFile)
	o.MaxFiles = orDefault(o.MaxFiles, defaultMaxFiles)
	o.MaxLayout = orDefault(o.MaxLayout, defaultMaxLayout)
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.fail == nil {
		o.fail = func(string) error { return nil }
	}
	return nil
}

func orDefault[T int | int64](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}
