package coordinator

import (
	"fmt"

	"github.com/sandtable/sandtable/results/history"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// records maps the engine's events to history records. Prompts and observations become
// hashes; durations are left out: both belong to the trace.
func records(ev sim.Record) (history.Record, error) {
	switch ev := ev.(type) {
	case *sim.RunOpened:
		return runRecord(ev), nil
	case *sim.TurnOpened:
		return &history.Turn{Joined: ev.Joined, Left: ev.Left, Live: ev.Live, Turn: ev.Turn}, nil
	case *sim.PhaseOpened:
		return &history.Phase{Lap: ev.Lap, Order: string(ev.Order), Phase: ev.Phase, Skipped: ev.Skipped, Stages: ev.Stages, Turn: ev.Turn}, nil
	case *sim.Draw:
		return &history.Draw{Args: values(ev.Args), Draw: ev.Kind, Result: history.Value{V: ev.Result}, Stage: ev.Stage, Stream: ev.Stream, Turn: ev.Turn}, nil
	case *sim.StageOpened:
		return &history.Stage{Canonical: ev.Canonical, Lap: ev.Lap, Members: ev.Members, Phase: ev.Phase, Stage: ev.Stage, Turn: ev.Turn}, nil
	case *sim.StageSealed:
		return sealRecord(ev)
	case *sim.Revised:
		return revisionRecord(ev)
	case *sim.Measured:
		return &history.Metrics{Turn: ev.Turn, Values: namedValues(ev.Values)}, nil
	case *sim.RunEnded:
		return endRecord(ev.Result), nil
	}
	return nil, fmt.Errorf("coordinator: no history record for %T", ev)
}

func runRecord(ev *sim.RunOpened) *history.Run {
	r := &history.Run{
		Params: history.Value{V: anyMap(ev.Params)}, Replicate: ev.Replicate,
		Root: history.Hash(ev.Tree.Root().String()), Seed: ev.Seed,
	}
	for path, e := range ev.Tree.All() {
		r.Files = append(r.Files, history.File{Path: path, Entry: *entry(e)})
	}
	for _, s := range ev.Seats {
		r.Seats = append(r.Seats, history.Seat{
			Entry: s.Entry, Focal: s.Focal, Index: s.Index, Name: s.Name, Player: s.Player,
			Role: s.Role, Vars: history.Value{V: anyMap(s.Vars)},
		})
	}
	return r
}

// anyMap keeps an absent map apart from a value of type map that is nil.
func anyMap(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

func values(list []any) []history.Value {
	out := make([]history.Value, len(list))
	for i, v := range list {
		out[i] = history.Value{V: v}
	}
	return out
}

func namedValues(list []sim.NamedValue) []history.NamedValue {
	out := make([]history.NamedValue, len(list))
	for i, v := range list {
		out[i] = history.NamedValue{Name: v.Name, Value: history.Value{V: v.Value}}
	}
	return out
}

// entry returns nil for an absent path.
func entry(e tree.Entry) *history.Entry {
	if e.Absent() {
		return nil
	}
	return &history.Entry{Hash: history.Hash(e.Hash.String()), Kind: e.Kind.String(), Size: e.Size}
}

func sealRecord(ev *sim.StageSealed) (*history.Seal, error) {
	r := &history.Seal{Empty: ev.Empty, Stage: ev.Stage, Turn: ev.Turn}
	for i := range ev.Results {
		res, err := resultRecord(&ev.Results[i])
		if err != nil {
			return nil, err
		}
		r.Results = append(r.Results, res)
	}
	return r, nil
}

func resultRecord(s *sim.Sealed) (history.Result, error) {
	r := history.Result{
		Action: history.Value{V: s.Action}, Agent: s.Agent, Category: string(s.Category), Forfeit: s.Forfeit,
		Memory: history.Value{V: s.Memory}, Say: s.Say, Status: string(s.Status), Substituted: s.Substituted,
	}
	for _, l := range s.Mail {
		r.Mail = append(r.Mail, history.Letter{Text: l.Text, To: history.Value{V: addressees(l.To)}})
	}
	for _, c := range s.Writes {
		r.Writes = append(r.Writes, history.Change{Base: entry(c.Base), New: entry(c.New), Path: c.Path})
	}
	for _, a := range s.Attempts {
		h, err := attemptRecord(a)
		if err != nil {
			return r, err
		}
		r.Attempts = append(r.Attempts, h)
	}
	return r, nil
}

// addressees gives a letter's seats as a JSON value.
func addressees(to any) any {
	list, ok := to.([]string)
	if !ok {
		return to
	}
	out := make([]any, len(list))
	for i, n := range list {
		out[i] = n
	}
	return out
}

func attemptRecord(a sim.Attempt) (history.Attempt, error) {
	seen, err := history.HashValue(a.Observation)
	if err != nil {
		return history.Attempt{}, fmt.Errorf("observation: %w", err)
	}
	h := history.Attempt{Observation: seen, Prompt: history.HashBytes([]byte(a.Prompt))}
	if a.Failure != nil {
		h.Failure = &history.Failure{Category: string(a.Failure.Category), Text: a.Failure.Text}
	}
	return h, nil
}

func revisionRecord(ev *sim.Revised) (*history.Revision, error) {
	v, err := sim.Value(ev.State)
	if err != nil {
		return nil, err
	}
	state, err := history.HashValue(v)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	r := &history.Revision{
		Author: ev.Author, Revision: ev.Revision, Root: history.Hash(ev.Tree.Root().String()),
		Stage: ev.Stage, State: state, Turn: ev.Turn,
	}
	for _, d := range ev.Mail {
		r.Deliveries = append(r.Deliveries, history.Delivery{ID: d.ID, Returned: d.Returned, Sender: d.Sender, Text: d.Text, To: d.To})
	}
	for _, e := range ev.Eliminated {
		r.Eliminated = append(r.Eliminated, history.Elimination{Agent: e.Agent, Final: history.Value{V: e.Final}, Reason: e.Reason, Status: string(e.Status)})
	}
	for _, ws := range ev.WriteSets {
		r.WriteSets = append(r.WriteSets, writeSetRecord(ws))
	}
	return r, nil
}

func writeSetRecord(ws sim.WriteSetDecided) history.WriteSet {
	r := history.WriteSet{Applied: ws.Applied, Author: ws.Author}
	for _, d := range ws.Decisions {
		r.Decisions = append(r.Decisions, history.Decision{
			Base: entry(d.Base), Head: entry(d.Head), New: entry(d.New), Outcome: string(d.Outcome), Path: d.Path,
			Policy: string(d.Policy), Reason: d.Reason, Result: entry(d.Result), Winner: d.Winner,
		})
	}
	return r
}

func endRecord(res *sim.Result) *history.End {
	r := &history.End{
		Commits: res.Commits, Conflicts: res.Conflicts, Draws: res.Draws, Moves: res.Moves,
		Outcomes: namedValues(res.Outcomes), Reason: res.Reason, Revisions: res.Revisions,
		Stages: res.Stages, Terminated: res.Terminated, Truncated: res.Truncated, Turns: res.Turns, Void: res.Void,
		Scores: map[string]history.Number{}, Statuses: map[string]string{},
	}
	for name, s := range res.Scores {
		r.Scores[name] = history.Number(s)
	}
	for name, s := range res.Status {
		r.Statuses[name] = string(s)
	}
	for _, f := range res.Failures {
		r.Failures = append(r.Failures, history.SeatFailure{
			Agent: f.Agent, Attempt: f.Attempt, Category: string(f.Category), Stage: f.Stage, Text: f.Text, Turn: f.Turn,
		})
	}
	return r
}
