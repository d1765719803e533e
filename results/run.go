package results

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/sandtable/sandtable/results/history"
	"github.com/sandtable/sandtable/results/jsonl"
)

// Run is a run directory.
type Run struct{ Dir string }

// Names in a run directory.
const (
	runFile     = "run.json"
	historyFile = "history.jsonl"
	traceFile   = "trace.jsonl"
	ledgerFile  = "ledger.jsonl"
	intakeFile  = "intake.jsonl"
)

// OpenRun names a run directory that is there.
func OpenRun(dir string) (*Run, error) {
	switch {
	case holds(dir, runFile), holds(dir, historyFile):
		return &Run{Dir: dir}, nil
	case holds(dir, batchFile):
		return nil, fmt.Errorf("%s is a batch: name one of its runs, such as %s", dir, filepath.Join(dir, CellID(1), RunID(1)))
	case holds(dir, cellFile):
		return nil, fmt.Errorf("%s is a cell: name one of its runs, such as %s", dir, filepath.Join(dir, RunID(1)))
	}
	return nil, fmt.Errorf("%s is no run directory: it has neither %s nor %s", dir, runFile, historyFile)
}

// History is the path of history.jsonl.
func (r *Run) History() string { return filepath.Join(r.Dir, historyFile) }

// Trace is the path of trace.jsonl.
func (r *Run) Trace() string { return filepath.Join(r.Dir, traceFile) }

// Ledger is the path of ledger.jsonl.
func (r *Run) Ledger() string { return filepath.Join(r.Dir, ledgerFile) }

// Intake is the path of intake.jsonl.
func (r *Run) Intake() string { return filepath.Join(r.Dir, intakeFile) }

// Journal is the directory of wal.jsonl, ops.jsonl and blobs/.
func (r *Run) Journal() string { return filepath.Join(r.Dir, "journal") }

// Blobs is the directory of file versions, each under its hash.
func (r *Run) Blobs() string { return filepath.Join(r.Dir, "journal", "blobs") }

// Model is the directory of recorded model traffic.
func (r *Run) Model() string { return filepath.Join(r.Dir, "model") }

// Workspace is the directory of the final head.
func (r *Run) Workspace() string { return filepath.Join(r.Dir, "workspace") }

// Agent is the directory of an agent's transcript and stderr. A name that could leave
// the run directory is an error.
func (r *Run) Agent(name string) (string, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") {
		return "", fmt.Errorf("agent name %q cannot be a directory", name)
	}
	return filepath.Join(r.Dir, "agents", name), nil
}

// WriteInfo replaces run.json.
func (r *Run) WriteInfo(info RunInfo) error {
	info.Sandtable = Format
	return replaceJSON(filepath.Join(r.Dir, runFile), info)
}

// Info reads run.json.
func (r *Run) Info() (RunInfo, error) {
	var info RunInfo
	err := readJSON(filepath.Join(r.Dir, runFile), &info)
	switch {
	case err != nil:
		return RunInfo{}, err
	case info.Sandtable != Format:
		return RunInfo{}, fmt.Errorf("%s: format %d: this program reads format %d", filepath.Join(r.Dir, runFile), info.Sandtable, Format)
	case !info.Status.Valid():
		return RunInfo{}, fmt.Errorf("%s: it has no status", filepath.Join(r.Dir, runFile))
	}
	return info, nil
}

// CreateHistory starts history.jsonl.
func (r *Run) CreateHistory(o history.Options) (*history.Writer, error) {
	return history.Create(r.History(), o)
}

// ResumeHistory goes on with history.jsonl; see [history.Resume].
func (r *Run) ResumeHistory(o history.Options) (*history.Writer, error) {
	return history.Resume(r.History(), o)
}

// OpenTrace opens trace.jsonl for appending [TraceRow] records.
func (r *Run) OpenTrace() (*jsonl.Writer, error) { return jsonl.Open(r.Trace(), jsonl.Options{}) }

// OpenLedger opens ledger.jsonl for appending [LedgerRow] records.
func (r *Run) OpenLedger(o jsonl.Options) (*jsonl.Writer, error) { return jsonl.Open(r.Ledger(), o) }

// OpenIntake opens intake.jsonl for appending results as they arrive.
func (r *Run) OpenIntake(o jsonl.Options) (*jsonl.Writer, error) { return jsonl.Open(r.Intake(), o) }
