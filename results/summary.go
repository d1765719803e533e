package results

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// SummarySchema returns the JSON Schema of summary.json.
func SummarySchema() []byte { return slices.Clone([]byte(summarySchema)) }

//go:embed summary.schema.json
var summarySchema string

// Summary is summary.json. Fields may be added; those that are there keep their
// meaning and unit while Sandtable is 1. What is undefined is null and has a warning.
type Summary struct {
	Sandtable int      `json:"sandtable"` // [Format]
	Name      string   `json:"name"`
	Verdict   Verdict  `json:"verdict"`
	Reasons   []string `json:"reasons"` // why the verdict is neither passed nor none
	Cells     []Cell   `json:"cells"`
	Expect    []Expect `json:"expect"`
	Problems  []string `json:"problems"` // what could not be read, by name
}

// Cell is what the runs of one cell came to. Totals (tokens, money, turns, commits, …)
// are over all runs that could be read, statistics over those that count.
type Cell struct {
	ID          string          `json:"id"`
	Params      json.RawMessage `json:"params"`
	Planned     int             `json:"planned"`
	Runs        int             `json:"runs"` // started
	Valid       int             `json:"valid"`
	Void        int             `json:"void"`
	Censored    int             `json:"censored"`
	Failed      FailedRuns      `json:"failed"`
	Interrupted int             `json:"interrupted"`
	Unreadable  int             `json:"unreadable"`
	Missing     int             `json:"missing"`

	Outcomes map[string]Outcome `json:"outcomes"`
	Measures map[string]Outcome `json:"measures"` // what every cell has: see MeasureNames
	Scores   map[string]Score   `json:"scores"`   // by seat

	Tokens           Tokens `json:"tokens"`
	NanoUSD          int64  `json:"nanousd"`
	Unpriced         int    `json:"unpriced"` // responses without a price: the cost is a lower bound
	ContainerNanoUSD int64  `json:"container_nanousd"`
	Turns            int    `json:"turns"`
	Commits          int    `json:"commits"`
	Conflicts        int    `json:"conflicts"`
	// Paths counts the paths of agents' write sets by what became of them: applied,
	// same, merged, superseded, kept, stale, conflict, withheld.
	Paths       map[string]int `json:"paths"`
	LostUpdates int            `json:"lost_updates"`
	WallSeconds float64        `json:"wall_seconds"` // of all runs together
	Tier        string         `json:"tier"`         // the weakest of the runs'; "" if none says

	Draws         map[string]int          `json:"draws"`         // by stream name
	Deterministic bool                    `json:"deterministic"` // no run drew anything: the seed has no effect
	Failures      map[string]FailureStats `json:"failures"`      // failed attempts by category
	Agents        map[string]*AgentStats  `json:"agents"`
	Warnings      []string                `json:"warnings"`
}

// FailedRuns counts runs that failed, by whose fault.
type FailedRuns struct {
	Harness int `json:"harness"`
}

// Outcome is one estimate.
type Outcome struct {
	Kind      SampleKind `json:"kind"`
	N         int        `json:"n"`
	Undefined int        `json:"undefined"` // runs that count, but have no value
	Value     Number     `json:"value"`
	Low       Number     `json:"low"`
	High      Number     `json:"high"`
	Level     Number     `json:"level"`    // asked for
	Achieved  Number     `json:"achieved"` // by the interval
	Method    string     `json:"method"`
	Warnings  []string   `json:"warnings"`
	Median    *Outcome   `json:"median,omitempty"` // of a mean's values
	Shares    []Share    `json:"shares,omitempty"` // of texts, most frequent first
	Others    int        `json:"others,omitempty"` // runs whose text is beyond the most frequent ones
}

// Share is how often a text was the outcome.
type Share struct {
	Text  string `json:"text"`
	Count int    `json:"count"`
	Value Number `json:"value"`
	Low   Number `json:"low"`
	High  Number `json:"high"`
}

// Score is a seat's score over the runs that count.
type Score struct {
	Mean     Number   `json:"mean"`
	N        int      `json:"n"`
	Low      Number   `json:"low"`
	High     Number   `json:"high"`
	Level    Number   `json:"level"`
	Method   string   `json:"method"`
	Warnings []string `json:"warnings"`
}

// FailureStats is one category of failed attempts.
type FailureStats struct {
	Count     int    `json:"count"`
	Agent     string `json:"agent"` // of the last one
	LastError string `json:"last_error"`
}

// Expect is one expectation, judged.
type Expect struct {
	Text    string             `json:"text"`
	Verdict Verdict            `json:"verdict"`
	Cells   map[string]Verdict `json:"cells"`
	Reasons map[string]string  `json:"reasons,omitempty"` // by cell, where it did not pass
}

// WriteSummary replaces summary.json.
func (b *Batch) WriteSummary(s *Summary) error { return replaceJSON(b.Summary(), s) }

// ReadSummary reads a summary.json. What is none of this version is refused.
func ReadSummary(path string) (*Summary, error) {
	s := &Summary{}
	if err := readJSON(path, s); err != nil {
		return nil, err
	}
	switch {
	case s.Sandtable != Format:
		return nil, fmt.Errorf("%s: format %d: this program reads format %d", path, s.Sandtable, Format)
	case s.Verdict.rank() < 0:
		return nil, fmt.Errorf("%s: it has no verdict", path)
	}
	for i, c := range s.Cells {
		for name, a := range c.Agents {
			if a == nil {
				return nil, fmt.Errorf("%s: cells.%d.agents.%.40q is null", path, i, name)
			}
		}
	}
	return s, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
