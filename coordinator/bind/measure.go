package bind

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// measures binds metrics or outcomes.
func (b *binder) measures(list []scenarios.Named[*scenarios.Measure]) []sim.Measure {
	out := make([]sim.Measure, len(list))
	for i, m := range list {
		out[i] = sim.Measure{Name: m.Name, Eval: b.measure(m.Value)}
	}
	return out
}

func (b *binder) measure(m *scenarios.Measure) func(context.Context, *sim.MeasureScope) (any, error) {
	if len(m.Command) > 0 {
		return func(ctx context.Context, s *sim.MeasureScope) (any, error) { return b.command(ctx, m, s) }
	}
	return func(_ context.Context, s *sim.MeasureScope) (any, error) { return m.Code.Value(b.measureLookup(s)) }
}

// measureLookup is the row of metrics and outcomes; the loader has refused in metrics
// what only outcomes have.
func (b *binder) measureLookup(s *sim.MeasureScope) expr.Lookup {
	return b.lookupOf(names{
		"turn": number(s.Turn), "agents": records(s.Seats, s.Live), "live": texts(s.Live), "state": state(s.State),
		"scores": value(scores(s.Scores)), "usage": b.usage(s), "reason": value(s.Reason), "truncated": value(s.Truncated),
		"file":   builtin("file", func(path string) (any, error) { return readFile(s, path) }),
		"files":  builtin("files", func(glob string) (any, error) { return listFiles(s, glob) }),
		"series": builtin("series", func(name string) (any, error) { return series(s, name) }),
	})
}

func scores(m map[string]float64) map[string]any {
	out := make(map[string]any, len(m))
	for name, v := range m {
		out[name] = v
	}
	return out
}

// usage is what the run has cost so far.
func (b *binder) usage(s *sim.MeasureScope) func() (starlark.Value, error) {
	return func() (starlark.Value, error) {
		usd, tokens := b.deps.Usage()
		return expr.ToStarlark(map[string]any{
			"usd": usd, "tokens": tokens, "commits": int64(s.Commits), "conflicts": int64(s.Conflicts),
		})
	}
}

// builtin offers a function of one text.
func builtin(name string, f func(string) (any, error)) func() (starlark.Value, error) {
	call := func(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var arg string
		if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 1, &arg); err != nil {
			return nil, err
		}
		v, err := f(arg)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return expr.ToStarlark(v)
	}
	return func() (starlark.Value, error) { return starlark.NewBuiltin(name, call), nil }
}

// readFile is a text of the head, or None. A symbolic link is not followed: there is no
// text in it.
func readFile(s *sim.MeasureScope, path string) (any, error) {
	e, ok := s.Tree.Get(path)
	if !ok || e.Kind == tree.Link {
		return nil, nil
	}
	data, err := s.Blobs.Get(e.Hash)
	return valid(string(data)), err
}

// valid marks bytes that are no text, so that a value is one that can be recorded.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// listFiles are the paths of the head that match a glob, sorted.
func listFiles(s *sim.MeasureScope, glob string) (any, error) {
	globs := tree.Globs{glob}
	if err := globs.Check(); err != nil {
		return nil, err
	}
	out := []any{}
	for path := range s.Tree.All() {
		if globs.Match(path) {
			out = append(out, path)
		}
	}
	return out, nil
}

// series are a metric's values so far, one for each turn.
func series(s *sim.MeasureScope, name string) (any, error) {
	list, ok := s.Series[name]
	if !ok {
		return nil, fmt.Errorf("there is no metric %q, or it was never taken", name)
	}
	return list, nil
}

// command runs a measure's command and evaluates its value; without one: did it exit 0.
func (b *binder) command(ctx context.Context, m *scenarios.Measure, s *sim.MeasureScope) (any, error) {
	exit, stdout, err := b.deps.Command(ctx, Command{Argv: m.Command, Add: m.Add, Timeout: m.Timeout}, s)
	if errors.Is(err, ErrNotRun) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if m.Value == nil {
		return exit == 0, nil
	}
	return m.Value.Value(b.lookupOf(names{
		"exit": number(exit), "stdout": value(valid(stdout)),
		"result": value(lastLine(stdout)),
	}))
}

// lastLine is the last line of an output as JSON, or nil where it is none.
func lastLine(stdout string) any {
	text := strings.TrimSpace(stdout)
	v, err := expr.Decode([]byte(text[strings.LastIndexByte(text, '\n')+1:]))
	if err != nil {
		return nil
	}
	return v
}
