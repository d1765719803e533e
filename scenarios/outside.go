package scenarios

import (
	"fmt"
	"strings"
	"time"

	"github.com/sandtable/sandtable/scenarios/expr"
)

type command struct {
	argv    []string
	timeout time.Duration
}

func worldKind() kind[*World] {
	more := table[command]{"the world", []field[command]{
		required(f("command", "the world's program", static(argv()), func(c *command) *[]string { return &c.argv })),
		f("timeout", "of one call", static(positive()), func(c *command) *time.Duration { return &c.timeout }),
	}}
	return kind[*World]{
		read: func(l *loader, n *node) (*World, bool) {
			if n.kind == dictNode {
				c := command{timeout: 30 * time.Second}
				more.read(l, n, &c)
				return &World{Command: c.argv, Timeout: c.timeout}, c.argv != nil
			}
			path, ok := static(starPath()).read(l, n)
			if ok {
				l.star(path, n.pos, "setup", "resolve")
			}
			return &World{Star: path}, ok
		},
		schema: schema{"anyOf": []any{starPath().schema, more.schema()}},
	}
}

func starPath() spec[string] {
	return spec[string]{func(v any) (string, error) {
		s, err := anyText().parse(v)
		if err != nil || !strings.HasSuffix(s, ".star") {
			return "", fmt.Errorf("want a path like world.star, got %s", show(v))
		}
		return s, CheckPath(s)
	}, schema{"type": "string", "pattern": `\.star$`}}
}

type upstreamRow struct{ script string }

func upstreamKind() kind[*Upstream] {
	words := oneOf([]string{"scripted"}, map[string]string{"anthropic": "Gateway", "replay": "Gateway"})
	more := table[upstreamRow]{"upstream", []field[upstreamRow]{
		required(f("scripted", "the model's script", static(starPath()), func(u *upstreamRow) *string { return &u.script })),
		planned[upstreamRow]("replay", "Gateway"),
		planned[upstreamRow]("faults", "Gateway"),
		planned[upstreamRow]("anthropic", "Gateway"),
	}}
	return kind[*Upstream]{
		read: func(l *loader, n *node) (*Upstream, bool) {
			if n.kind != dictNode {
				_, ok := static(words).read(l, n)
				return &Upstream{}, ok
			}
			for _, later := range []string{"replay", "faults", "anthropic"} {
				if e := n.get(later); e != nil {
					l.add(n.pos, "upstream %s: %s", later, notYet("Gateway"))
					return nil, false
				}
			}
			var u upstreamRow
			more.read(l, n, &u)
			if u.script != "" {
				l.star(u.script, n.get("scripted").pos, "reply")
			}
			return &Upstream{Script: u.script}, u.script != ""
		},
		schema: schema{"anyOf": []any{words.schema, more.schema()}},
	}
}

// measureKind is `${…}`, or a command on a copy of the head.
func measureKind(at *Place) kind[*Measure] {
	expression := code(at)
	more := table[Measure]{"the value", []field[Measure]{
		required(f("command", "what is run on a copy of the head", static(argv()), func(m *Measure) *[]string { return &m.Command })),
		f("add", "folder laid over the copy", static(folderPath()), func(m *Measure) *string { return &m.Add }),
		f("timeout", "of the command", static(positive()), func(m *Measure) *time.Duration { return &m.Timeout }),
		f("value", "what is taken of its result", code(AtCommand), func(m *Measure) **expr.Expr { return &m.Value }),
		planned[Measure]("judge", "Gateway"),
	}}
	return kind[*Measure]{
		read: func(l *loader, n *node) (*Measure, bool) {
			if n.kind != dictNode {
				e, ok := expression.read(l, n)
				return &Measure{Code: e}, ok
			}
			if n.get("judge") != nil {
				l.add(n.pos, "judge: %s", notYet("Gateway"))
				return nil, false
			}
			m := Measure{Timeout: 5 * time.Minute}
			more.read(l, n, &m)
			if add := n.get("add"); add != nil && m.Add != "" && len(l.files.Under(m.Add)) == 0 {
				l.add(add.pos, "no folder %s with files in it in the scenario's folder", m.Add)
			}
			return &m, m.Command != nil
		},
		schema: schema{"anyOf": []any{expression.schema, more.schema()}},
	}
}

// folderPath is a path to a folder; a slash at its end is common.
func folderPath() spec[string] {
	return spec[string]{func(v any) (string, error) {
		s, err := someText().parse(v)
		s = strings.TrimSuffix(s, "/")
		if err == nil {
			err = CheckPath(s)
		}
		return s, err
	}, schema{"type": "string", "minLength": 1}}
}
