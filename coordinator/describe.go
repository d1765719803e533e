package coordinator

import (
	"encoding/json"
	"slices"

	"github.com/sandtable/sandtable/results"
)

// describe completes run.json with what was found out about this machine.
func (r *run) describe() error {
	info := &r.opts.Info
	info.Tier = "T0"
	info.Guarantees = map[string]results.Guarantee{
		"views":   {Holds: true, Detail: "every agent works in a private copy; an agent that goes round it by absolute paths is not stopped in tier T0"},
		"network": {Holds: false, Detail: "not enforced in tier T0"},
	}
	if r.procs != nil {
		m := r.procs.Means()
		info.Guarantees["processes"] = results.Guarantee{Holds: true, Detail: m.String()}
	}
	var err error
	if info.Spec, err = json.Marshal(r.spec()); err != nil {
		return err
	}
	r.trace.event("open", at{}, "", info.Guarantees)
	return r.opts.Dir.WriteInfo(*info)
}

// spec is the run as it was started: what whoever resumes it compares, and where its
// sandbox is, to which the agents' own sessions are bound.
type spec struct {
	Name     string         `json:"name"`
	Scenario string         `json:"scenario"` // digest
	Params   map[string]any `json:"params"`
	Turns    int            `json:"turns"`
	Upstream string         `json:"upstream"`
	Sandbox  string         `json:"sandbox"`
}

func (r *run) spec() spec {
	cell := r.opts.Run.Cell
	s := spec{
		Name: r.scenario.Name, Scenario: r.scenario.Digest, Params: cell.Params, Turns: cell.Max,
		Upstream: "scripted", Sandbox: r.sandbox,
	}
	if up := r.scenario.Upstream; up != nil && up.Script != "" {
		s.Upstream += ":" + up.Script
	}
	return s
}

func (r *run) needsProcesses() bool {
	if w := r.scenario.World; w != nil && len(w.Command) > 0 {
		return true
	}
	for _, m := range slices.Concat(r.scenario.Metrics, r.scenario.Outcomes) {
		if len(m.Value.Command) > 0 {
			return true
		}
	}
	return r.needsModel()
}

// needsModel: claude always asks a model, a program may.
func (r *run) needsModel() bool {
	for _, p := range r.players {
		if p.Runtime != runtimeScript {
			return true
		}
	}
	return false
}
