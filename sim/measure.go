package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// Value returns a state's JSON value.
func Value(s State) (any, error) {
	switch s := s.(type) {
	case Valuer:
		return s.Value(), nil
	case nil, bool, int64, float64, string, []any, map[string]any:
		return s, nil
	}
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return expr.Decode(bytes.TrimSpace(data))
}

// measure takes a turn's metrics, once.
func (g *game) measure(ctx context.Context) error {
	if g.measured || g.turn == 0 {
		return nil
	}
	if g.measured = len(g.cfg.Metrics) == 0; g.measured {
		return nil
	}
	values, err := g.evaluate(ctx, g.cfg.Metrics, false)
	if err != nil {
		return err
	}
	g.measured = true // not before: a limit that interrupts a metric's command ends the run, which takes them again
	for _, v := range values {
		g.res.Series[v.Name] = append(g.res.Series[v.Name], v.Value)
	}
	return g.tell(&Measured{Turn: g.turn, Values: values})
}

func (g *game) scores() (map[string]float64, error) {
	g.last = g.ctx(g)
	scores, err := g.world.Score(g.state, &g.last)
	if err != nil {
		return nil, &WorldError{"score", g.turn, err}
	}
	for _, name := range sortedKeys(scores) {
		if v := scores[name]; g.byName[name] == nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, &WorldError{"score", g.turn, fmt.Errorf("returned %q: %v; want an agent and a finite number", name, v)}
		}
	}
	return scores, nil
}

func (g *game) evaluate(ctx context.Context, list []Measure, atEnd bool) ([]NamedValue, error) {
	if len(list) == 0 {
		return nil, nil
	}
	scores, err := g.scores()
	if err != nil {
		return nil, err
	}
	sc := &MeasureScope{
		Turn: g.turn, Seats: g.cfg.Seats, Live: g.liveNames(), State: g.state, Scores: scores,
		Tree: g.head, Blobs: g.blobs, Commits: g.res.Commits, Conflicts: g.res.Conflicts,
	}
	if atEnd {
		sc.Reason, sc.Truncated, sc.Series = g.res.Reason, g.res.Truncated, g.res.Series
	}
	out := make([]NamedValue, len(list))
	for i, m := range list {
		v, err := m.Eval(ctx, sc)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		out[i] = NamedValue{m.Name, v}
	}
	return out, nil
}
