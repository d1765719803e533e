package results

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sandtable/sandtable/results/history"
)

// Format is the version of batch.json, cell.json, run.json and summary.json.
const Format = 1

// BatchInfo is batch.json: what was planned, and of what. It is written once.
type BatchInfo struct {
	Sandtable  int               `json:"sandtable"` // [Format]
	Name       string            `json:"name"`
	Created    time.Time         `json:"created"`
	Versions   map[string]string `json:"versions,omitempty"` // of program, agents' CLI, …
	Digests    map[string]string `json:"digests,omitempty"`  // of scenario, world, files: SHA-256 by name
	Seed       uint64            `json:"seed,string"`
	Replicates int               `json:"replicates"` // planned for each cell
	Memory     bool              `json:"memory,omitempty"`
	Excluded   float64           `json:"excluded"` // largest share of runs that may not count
	Cells      []CellInfo        `json:"cells"`
	Spec       json.RawMessage   `json:"spec,omitempty"` // what else the caller keeps with a batch
}

// CellInfo is cell.json: the parameters of a cell.
type CellInfo struct {
	ID     string          `json:"id"` // c01
	Params json.RawMessage `json:"params"`
}

// Mismatch names what keeps a batch from being resumed with other: each entry is a
// sentence. Empty: nothing does. Versions of programs are not compared.
func (b BatchInfo) Mismatch(other BatchInfo) []string {
	var out []string
	differ := func(what string, a, b any) {
		if a != b {
			out = append(out, fmt.Sprintf("%s was %v and is %v", what, a, b))
		}
	}
	differ("format", b.Sandtable, other.Sandtable)
	differ("name", b.Name, other.Name)
	differ("seed", b.Seed, other.Seed)
	differ("memory", b.Memory, other.Memory)
	differ("replicates", b.Replicates, other.Replicates)
	all := maps.Clone(b.Digests)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, other.Digests)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		differ("digest of "+name, digest(b, name), digest(other, name))
	}
	differ("number of cells", len(b.Cells), len(other.Cells))
	for i := range min(len(b.Cells), len(other.Cells)) {
		differ("cell "+b.Cells[i].ID, compact(b.Cells[i]), compact(other.Cells[i]))
	}
	return out
}

func digest(b BatchInfo, name string) string {
	if d := b.Digests[name]; d != "" {
		return d
	}
	return "missing"
}

// compact writes a cell for comparison: batch.json is indented, a cell made anew not.
func compact(c CellInfo) string {
	text, err := json.Marshal(c)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// RunInfo is run.json: what a run was made of and how it stands. It is replaced as a
// whole when that changes.
type RunInfo struct {
	Sandtable  int                  `json:"sandtable"` // [Format]
	Cell       string               `json:"cell"`
	Replicate  int                  `json:"replicate"` // from 1
	Seed       uint64               `json:"seed,string"`
	Status     RunStatus            `json:"status"`
	Error      string               `json:"error,omitempty"` // why the harness failed
	Tier       string               `json:"tier,omitempty"`  // T0, T1, T2, as probed
	Guarantees map[string]Guarantee `json:"guarantees,omitempty"`
	Versions   map[string]string    `json:"versions,omitempty"`
	Started    time.Time            `json:"started,omitzero"`
	WallNS     int64                `json:"wall_ns,omitempty"` // time spent, interruptions not counted
	// History is the identity of a run that ended.
	History history.Hash `json:"history,omitempty"`
	// UncoveredLosses counts lost updates that the tier does not rule out, as seen by
	// the workspace: what goes round it leaves no record in the history.
	UncoveredLosses  int             `json:"uncovered_losses,omitempty"`
	ContainerNanoUSD int64           `json:"container_nanousd,omitempty"`
	Spec             json.RawMessage `json:"spec,omitempty"` // the run as it was started
}

// Mismatch says how a history that was read to its end is not the one that run.json
// names: "" if it is, or if the run did not end and none is named. The chain of hashes
// sees neither a last line that was changed nor whole lines that are gone from the end.
func (i RunInfo) Mismatch(read history.Hash) string {
	if i.History == "" || i.History == read {
		return ""
	}
	return fmt.Sprintf("%s names history %.12s…, the file is %.12s…: its last line was changed, or lines are missing at its end",
		runFile, i.History, read)
}

// Guarantee is what a probe found out about one promise.
type Guarantee struct {
	Holds  bool   `json:"holds"`
	Detail string `json:"detail,omitempty"`
}
