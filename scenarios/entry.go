package scenarios

import "fmt"

// entry evaluates an entry of `agents`.
func (e evaluation) entry(s *Scenario, a *Agent) *Entry {
	out := &Entry{Agent: a, Name: a.Name, Count: getOr(e, a.Count, 1), Def: get(e, a.Base)}
	if out.OwnRoles = a.Role.IsSet() && a.Role.Value.Uses("agent", "names", "replicate", "pick"); !out.OwnRoles {
		out.Role = get(e, a.Role)
	}
	player := a.Player // a copy
	if out.Def != "" {
		base := find(s.Players, out.Def)
		if base == nil {
			e.faults.add(a.Base.Pos(), "no player %q%s", out.Def, meant(out.Def, namesOf(s.Players)))
			return nil
		}
		complete(playerTable(""), &player, base.Value, (*Player).Has)
		player.Limits = mergeLimits(player.Limits, base.Value.Limits)
	}
	out.Player = &player
	out.Limits = e.limits(player.Limits)
	e.roles(out)
	e.runtime(out)
	return out
}

// mergeLimits lets an agent override single limits of its player.
func mergeLimits(own, base *PlayerLimits) *PlayerLimits {
	if own == nil || base == nil || own == base {
		return own
	}
	merged := *own
	complete(playerLimitsTable(), &merged, base, (*PlayerLimits).Has)
	return &merged
}

func (e evaluation) limits(p *PlayerLimits) SeatLimits {
	if p == nil {
		p = &PlayerLimits{}
	}
	return SeatLimits{
		Steps: getOr(e, p.Steps, DefaultSteps), Mail: getOr(e, p.Mail, DefaultMail),
		Act: getOr(e, p.Act, DefaultAct), Bank: get(e, p.Bank),
		Tokens: get(e, p.Tokens), USD: get(e, p.USD), HasUSD: p.USD.IsSet(),
	}
}

func (e evaluation) roles(out *Entry) {
	sum := 0
	for _, r := range out.Agent.Roles {
		n := get(e, r.Value)
		out.Roles = append(out.Roles, RoleCount{r.Name, n})
		sum += n
	}
	if len(out.Roles) > 0 && sum != out.Count {
		e.faults.add(out.Agent.keys["roles"], "the roles of %q add up to %d, but count is %d", out.Name, sum, out.Count)
	}
}

// runtime checks that the merged player has what its runtime needs, as far as the
// runtime is known before the run.
func (e evaluation) runtime(out *Entry) {
	p, pos := out.Player, out.Agent.pos
	runtime, ok := p.Runtime.Literal()
	if !ok && p.Runtime.IsSet() {
		return
	}
	if runtime == "" {
		runtime = "claude"
		if p.Script.IsSet() {
			runtime = "script"
		}
	}
	if why := RuntimeFault(runtime, p.Script.IsSet(), p.Command.IsSet()); why != "" {
		e.faults.add(pos, "agent %q: %s", out.Name, why)
	}
}

// RuntimeFault says why a player with or without a script and a command cannot be of
// a runtime, or "".
func RuntimeFault(runtime string, script, command bool) string {
	switch {
	case runtime == "script" && !script:
		return "runtime script needs a script: file.star[:function]"
	case runtime == "program" && !command:
		return "runtime program needs a command: [argv]"
	case runtime != "script" && script:
		return fmt.Sprintf("a script is played by runtime script, not %s", runtime)
	case runtime != "program" && command:
		return fmt.Sprintf("a command is played by runtime program, not %s; add runtime: program", runtime)
	}
	return ""
}
