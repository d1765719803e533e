package scenarios

import (
	"slices"
	"strings"
)

// independent checks parts that need no other part to be right.
func (l *loader) independent(s *Scenario) {
	l.knownCalls(s)
	l.knownOutcomes(s)
	for _, p := range s.Players {
		if p.Value != nil {
			l.playerScript(p.Value)
		}
	}
	for _, a := range s.Agents {
		if a != nil {
			l.playerScript(&a.Player)
		}
	}
	if s.Workspace != nil {
		l.workspace(s.Workspace)
	}
}

func (l *loader) playerScript(p *Player) {
	if script, ok := p.Script.Literal(); ok {
		file, fn := SplitScript(script)
		l.star(file, p.Script.Pos(), fn)
	}
	for _, m := range p.MCP {
		if m.Value != nil && m.Value.Command.IsSet() == m.Value.URL.IsSet() {
			l.add(m.Pos, "MCP server %s: want either command or url", m.Name)
		}
	}
}

func (l *loader) workspace(w *Workspace) {
	switch {
	case w.From == "":
	case l.files.Has(w.From):
		l.add(w.keys["from"], "%s is a file or a link; from wants a folder of the scenario's own", w.From)
	case len(l.files.Under(w.From)) == 0:
		l.add(w.keys["from"], "no folder %s with files in it in the scenario's folder", w.From)
	}
}

// crossCheck checks what refers to what, as far as the file alone says it.
func (l *loader) crossCheck(s *Scenario) {
	l.agents(s)
	l.phases(s)
	l.defaults(s)
	l.events(s)
}

func (l *loader) agents(s *Scenario) {
	if len(s.Agents) == 0 && s.Has("agents") && !l.bad["agents"] {
		l.add(s.keys["agents"], "agents is empty; a run needs one at least")
	}
	first := map[string]Pos{}
	for _, a := range s.Agents {
		if pos, twice := first[a.Name]; twice && a.Name != "" {
			l.add(a.keys["name"], "agent %q is there twice; the first is in line %d", a.Name, pos.Line)
		}
		first[a.Name] = a.keys["name"]
		if a.Has("role") && len(a.Roles) > 0 {
			l.add(a.keys["roles"], "agent %q has both role and roles; role is everybody's, roles are dealt", a.Name)
		}
		if joins, leaves := a.Joins.turn(1), a.Leaves.turn(0); 0 < leaves && leaves <= joins {
			l.add(a.keys["leaves"], "agent %q leaves in turn %d and joins in turn %d; it would never act", a.Name, leaves, joins)
		}
		if base, ok := a.Base.Literal(); ok && find(s.Players, base) == nil && !l.bad["players"] {
			l.add(a.Base.Pos(), "no player %q%s", base, meant(base, namesOf(s.Players)))
		}
	}
}

func (l *loader) phases(s *Scenario) {
	first := map[string]Pos{}
	for _, p := range s.Turns.Phases {
		if pos, twice := first[p.Name]; twice && p.Name != "" {
			l.add(p.keys["name"], "phase %q is there twice; the first is in line %d", p.Name, pos.Line)
		}
		first[p.Name] = p.keys["name"]
		if p.WorldOnly {
			continue
		}
		if p.Via != nil && p.Via.Kind != "tool" && !p.Action.IsSet() && !l.bad["turns"] && s.World == nil {
			l.add(p.pos, "phase %q takes its action via %s, but has no action", p.Name, p.Via.Kind)
		}
		if name := p.Failures.wantsDefault(); name != "" && !p.Default.IsSet() && !l.bad["turns"] {
			l.add(p.pos, "failures of phase %q: %s is answered by default, but the phase has no default action", p.Name, name)
		}
	}
}

// defaults checks default actions against the actions that their phases allow, where both
// are written out and the world says nothing else.
func (l *loader) defaults(s *Scenario) {
	if l.bad["world"] || s.World != nil && (s.World.Star == "" || l.defined(s.World.Star)["actions"]) {
		return
	}
	for _, p := range s.Turns.Phases {
		full, ok := p.Action.Literal()
		action, written := p.Default.Literal()
		if !ok || !written || full == nil || action == nil || p.WorldOnly {
			continue
		}
		schema, err := compileSchema(full)
		if err != nil {
			continue // reported
		}
		if err := schema.Validate(numbersAsFloats(action)); err != nil {
			l.add(p.Default.Pos(), "the default action of phase %q is not legal there: %s", p.Name, deepest(err))
		}
	}
}

// defined returns the names of a Starlark file that has been checked.
func (l *loader) defined(file string) map[string]bool {
	again := loader{files: l.files}
	return again.parseStar(file, Pos{}, map[string]bool{})
}

// wantsDefault names a group of failures that is answered by the default action.
func (x *Failures) wantsDefault() string {
	groups := []struct {
		name   string
		policy FailurePolicy
	}{{"illegal", x.Illegal}, {"timeout", x.Timeout}, {"crash", x.Crash}, {"transport", x.Transport}, {"budget", x.Budget}}
	for _, g := range groups {
		if g.policy.Then == "default" {
			return g.name
		}
	}
	return ""
}

func (l *loader) events(s *Scenario) {
	var phases []string
	for _, p := range s.Turns.Phases {
		phases = append(phases, p.Name)
	}
	for _, e := range s.Events {
		if e.Before != "" && !slices.Contains(phases, e.Before) && !l.bad["turns"] {
			l.add(e.keys["before"], "no phase %q%s", e.Before, meant(e.Before, phases))
		}
		if !e.Has("set") && !e.Has("write") && !e.Has("remove") && !e.Has("mail") {
			l.add(e.pos, "the event does nothing; give it set, write, remove or mail")
		}
		if e.Has("set") && !s.Has("world") {
			l.add(e.keys["set"], "set changes the world's state, but the scenario has no world")
		}
	}
}

// seatNames are what seats may be called in a cell.
type seatNames struct {
	agents, entries, roles []string
	own                    bool // there are roles besides, which only the seats will tell
}

// check returns why a literal is no seat, or "".
func (n seatNames) check(seat string) string {
	if role, ok := strings.CutPrefix(seat, "role:"); ok {
		if !n.own && !slices.Contains(n.roles, role) {
			return "no role " + show(role) + meant(role, n.roles)
		}
		return ""
	}
	known := slices.Concat(n.agents, n.entries, []string{"all", "none"})
	if slices.Contains(known, seat) {
		return ""
	}
	if slices.Contains(n.roles, seat) {
		return "no agent or entry " + show(seat) + "; a role is written role:" + seat
	}
	return "no agent or entry " + show(seat) + meant(seat, known)
}

// seatLiterals checks the texts of a value that names seats.
func (c *collector) seatLiterals(v *Value, n seatNames) {
	if v == nil {
		return
	}
	if seat, ok := v.lit.(string); ok && v.text == nil {
		if why := n.check(seat); why != "" {
			c.add(v.pos, "%s", why)
		}
	}
	for _, item := range v.list {
		c.seatLiterals(item, n)
	}
}
