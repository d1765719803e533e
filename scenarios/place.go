package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// Place is a row of the format's table of names: a kind of place in a scenario file
// where expressions may stand, and what they may refer to there.
type Place struct {
	// Name says in messages where that is.
	Name string
	// Names are what is offered besides [expr.Builtins], in the table's order.
	Names []string
	// why explains names that are deliberately not offered.
	why map[string]string
}

var everywhere = []string{"params", "data", "text"}

func place(name string, names ...string) *Place {
	return &Place{Name: name, Names: append(slices.Clone(everywhere), names...)}
}

// The places. They are never changed.
var (
	// AtLoad: matrix, count, roles, player, max, limits and workspace files. They are
	// evaluated before the run.
	AtLoad = place("what is evaluated before a run")
	// AtAgent: the other fields of players and agents.
	AtAgent = place("a player's or agent's field", "agent", "names", "replicate", "pick")
	// AtStage: joins, leaves, when, who, order, canonical, repeat, until, stop, events.
	AtStage = place("a condition or list between stages", "turn", "phase", "lap", "agents", "live", "state", "passes")
	// AtMember: hear, mail, and a phase's read and write, asked for one agent.
	AtMember = place("hear, mail, read and write", "agent", "state")
	// AtPrompt: prompt, action and default.
	AtPrompt = &Place{
		Name:  "prompts, actions and defaults",
		Names: append(slices.Clone(everywhere), "turn", "phase", "lap", "agent", "names", "live", "observation", "inbox", "notices"),
		why: map[string]string{
			"state":  "it holds secrets; show what the agent may know by the world's observe, as `observation`",
			"agents": "it holds the others' roles; `names` and `live` are lists of names",
		},
	}
	// AtMetric: metrics.
	AtMetric = place("metrics", "turn", "agents", "live", "state", "scores", "file", "files", "usage")
	// AtOutcome: outcomes.
	AtOutcome = place("outcomes", "turn", "agents", "live", "state", "scores", "file", "files", "usage", "reason", "truncated", "series")
	// AtCommand: the value of a command among metrics or outcomes.
	AtCommand = place("the value of a command", "exit", "stdout", "result")
	// AtExpect: expectations.
	AtExpect = place("expectations", "rate", "mean", "median", "total", "quantile", "low", "high", "width")
)

func places() []*Place {
	return []*Place{AtLoad, AtAgent, AtStage, AtMember, AtPrompt, AtMetric, AtOutcome, AtCommand, AtExpect}
}

// explain turns "x is not defined" into why it is not, where x exists elsewhere.
func (p *Place) explain(e *expr.Error) *expr.Error {
	if e.Undefined == "" {
		return e
	}
	out := *e
	if why := p.why[e.Undefined]; why != "" {
		out.Msg = fmt.Sprintf("%s is not available in %s: %s", e.Undefined, p.Name, why)
		return &out
	}
	for _, other := range places() {
		if slices.Contains(other.Names, e.Undefined) {
			out.Msg = fmt.Sprintf("%s is not available in %s; the names there are %s", e.Undefined, p.Name, strings.Join(p.Names, ", "))
			return &out
		}
	}
	return e
}
