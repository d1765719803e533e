package world

import (
	"slices"

	"github.com/sandtable/sandtable/sim"
)

// ctxValue is a world's ctx as the program gets it.
func (w *World) ctxValue(c *sim.Ctx) map[string]any {
	agents := make([]any, len(c.Agents))
	for i, s := range c.Agents {
		agents[i] = agentValue(s, c.Live)
	}
	out := map[string]any{
		"params": dict(c.Params), "turn": c.Turn, "phase": c.Phase, "lap": c.Lap, "stage": c.Stage,
		"agents": agents, "live": names(c.Live),
	}
	if w.cfg.Tree != nil {
		if dir := w.cfg.Tree(); dir != "" {
			out["tree"] = dir
		}
	}
	return out
}

func agentValue(s *sim.Seat, live []string) map[string]any {
	return map[string]any{
		"name": s.Name, "entry": s.Entry, "role": s.Role, "player": s.Player, "index": s.Index,
		"seat": s.Number, "live": slices.Contains(live, s.Name), "vars": dict(s.Vars),
	}
}

func moveList(moves []sim.Move) []any {
	out := make([]any, len(moves))
	for i, m := range moves {
		mail := make([]any, len(m.Mail))
		for j, l := range m.Mail {
			mail[j] = map[string]any{"to": l.To, "text": l.Text}
		}
		out[i] = map[string]any{
			"agent": m.Agent, "action": m.Action, "say": m.Say, "mail": mail,
			"status": string(m.Status), "substituted": m.Substituted,
		}
	}
	return out
}

// dict makes {} of a nil map, which would otherwise be written as null by some.
func dict(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func names(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
