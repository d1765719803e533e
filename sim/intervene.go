package sim

import (
	"fmt"
	"maps"
)

// intervene plays the events that stand before a phase, or, for "", at the turn's
// opening: each a revision of its own by @intervention (P2).
func (g *game) intervene(before string) error {
	for i := range g.cfg.Events {
		e := &g.cfg.Events[i]
		if e.Before != before {
			continue
		}
		on, err := g.test(e.At, nil, true)
		if err != nil {
			return err
		}
		if !on {
			continue
		}
		if err := g.apply(e); err != nil {
			return fmt.Errorf("event %d in turn %d: %w", i+1, g.turn, err)
		}
	}
	return nil
}

func (g *game) apply(e *Event) error {
	fx := g.newEffects()
	for _, step := range []func(*Event, *effects) error{g.setState, g.writeFiles, g.removeFiles, g.sendMail} {
		if err := step(e, fx); err != nil {
			return err
		}
	}
	return g.publish(&Revised{Author: "@intervention"}, fx, nil)
}

func (g *game) setState(e *Event, _ *effects) error {
	if e.Set == nil {
		return nil
	}
	set, err := e.Set(g.scope())
	if err != nil {
		return err
	}
	v, err := Value(g.state)
	if err != nil {
		return err
	}
	old, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("set: the state is %s, not a dict", valueKind(v))
	}
	next := maps.Clone(old)
	maps.Copy(next, normal(set).(map[string]any))
	g.state = next
	return nil
}

func (g *game) writeFiles(e *Event, fx *effects) error {
	if e.Write == nil {
		return nil
	}
	files, err := e.Write(g.scope())
	if err != nil {
		return err
	}
	for _, path := range sortedKeys(files) {
		if err := fx.write(path, files[path]); err != nil {
			return err
		}
	}
	return nil
}

func (g *game) removeFiles(e *Event, fx *effects) error {
	if e.Remove == nil {
		return nil
	}
	paths, err := e.Remove(g.scope())
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := fx.remove(path); err != nil {
			return err
		}
	}
	return nil
}

func (g *game) sendMail(e *Event, fx *effects) error {
	if e.Mail == nil {
		return nil
	}
	letters, err := e.Mail(g.scope())
	if err != nil {
		return err
	}
	for _, l := range letters {
		if err := fx.mail(l.To, l.Text); err != nil {
			return err
		}
	}
	return nil
}
