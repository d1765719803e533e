package sim

// What a member is shown: observation and prompt, computed once and only if somebody
// asks, from what the stage froze as it opened. The member's mu is held.

func (m *member) observation() (any, error) {
	if m.hasShown {
		return m.shown, nil
	}
	v, err := m.stage.g.observe(m.stage.state, m.st.seat, &m.stage.ctx)
	if err != nil {
		m.err = err // whatever the actor makes of it, the world has failed
		return nil, err
	}
	m.shown, m.hasShown = v, true
	return v, nil
}

func (g *game) observe(state State, s *Seat, ctx *Ctx) (any, error) {
	v, err := g.world.Observe(state, s, ctx)
	if err == nil {
		err = observationFault(v)
	}
	if err != nil {
		return nil, &WorldError{"observe", ctx.Turn, err}
	}
	if v == nil {
		v = map[string]any{}
	}
	return v, nil
}

// agentScope is what prompt, schema and default action may look at.
func (m *member) agentScope() *AgentScope {
	s := m.stage
	sc := &m.scope
	if !s.g.cfg.Serial {
		sc = &AgentScope{}
	}
	*sc = AgentScope{
		Turn: s.ctx.Turn, Phase: s.ctx.Phase, Lap: s.ctx.Lap, Agent: m.st.seat,
		Names: s.g.names, Live: s.ctx.Live, Inbox: m.inbox, Notices: m.notices, See: m.see,
	}
	if m.schema != nil {
		sc.Schema = m.schema.value
	}
	return sc
}

// prompt returns the text of the open attempt.
func (m *member) prompt() (string, error) {
	if m.hasText {
		return m.text, nil
	}
	text, err := m.render()
	if err != nil {
		m.err = err // the scenario's expression failed, whatever the actor makes of it
		return "", err
	}
	m.text, m.hasText = text, true
	return text, nil
}

// defaultAction evaluates the phase's default; nil: there is none.
func (m *member) defaultAction() (any, error) {
	f := m.stage.phase.Default
	if f == nil || m.schema == nil {
		return nil, nil
	}
	return f(m.agentScope())
}

// render makes a further attempt's prompt: after an unusable move the agent still
// knows the turn and needs the reason alone; after a crash or a deadline it may have
// lost everything, so that the whole prompt is said again.
func (m *member) render() (string, error) {
	group, _ := m.stage.phase.Failures.of(category(m.retry))
	if m.retry != nil && group == 0 {
		return m.retry.correction(), nil
	}
	f := m.stage.phase.Prompt
	if f == nil {
		return "", nil
	}
	text, err := f(m.agentScope())
	if err != nil || m.retry == nil {
		return text, err
	}
	return m.retry.correction() + "\n\n" + text, nil
}

func category(f *Failure) Category {
	if f == nil {
		return ""
	}
	return f.Category
}

// correction is the private note of a further attempt; it differs by category (F2).
func (f *Failure) correction() string {
	var what string
	switch f.Category {
	case Empty:
		what = "Your last attempt held no move"
	case Unparsable:
		what = "Your last attempt held no action that could be read"
	case Truncated:
		what = "Your last attempt was cut off"
	case Timeout:
		what = "Your last attempt took too long and was stopped"
	case Crash:
		what = "Your last attempt ended before you moved; your files are as they were when the turn opened"
	case Transport:
		what = "Your last attempt did not reach the model"
	case Budget:
		what = "Your last attempt ran out of budget"
	default:
		what = "Your last move is against the rules"
	}
	text := what + ": " + f.Text + "\nYou have another attempt now."
	if f.Category != Crash {
		text += " Your files are as you left them."
	}
	return text
}
