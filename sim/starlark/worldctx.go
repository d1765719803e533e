package star

import (
	"fmt"

	"github.com/sandtable/sandtable/sim"
	"go.starlark.net/starlark"
)

// worldCtx is a world's ctx argument.
type worldCtx struct {
	opaque
	ctx    *sim.Ctx
	res    *sim.ResolveCtx // nil outside setup and resolve
	caller *caller
}

var _ starlark.HasAttrs = (*worldCtx)(nil)

func (c *worldCtx) AttrNames() []string {
	return []string{
		"agents", "append", "eliminate", "lap", "list", "live", "mail", "params", "phase", "random",
		"read", "remove", "stage", "turn", "write",
	}
}

func (c *worldCtx) Attr(name string) (starlark.Value, error) {
	switch name {
	case "params":
		return c.caller.params.value(c.ctx.Params)
	case "turn":
		return starlark.MakeInt(c.ctx.Turn), nil
	case "phase":
		return starlark.String(c.ctx.Phase), nil
	case "lap":
		return starlark.MakeInt(c.ctx.Lap), nil
	case "stage":
		return starlark.MakeInt(c.ctx.Stage), nil
	case "live":
		return texts(c.ctx.Live), nil
	case "agents":
		return c.agents(), nil
	case "read":
		return method("read", c.read), nil
	case "list":
		return method("list", c.list), nil
	}
	return c.effect(name)
}

func (c *worldCtx) agents() starlark.Value {
	out := make([]starlark.Value, len(c.ctx.Agents))
	for i, seat := range c.ctx.Agents {
		out[i] = newAgent(seat, c.ctx.Live)
	}
	l := starlark.NewList(out)
	l.Freeze()
	return l
}

// effect serves the names that only setup and resolve have.
func (c *worldCtx) effect(name string) (starlark.Value, error) {
	var body builtin
	switch name {
	case "random":
		body = c.random
	case "write":
		body = c.write
	case "append":
		body = c.append
	case "remove":
		body = c.remove
	case "mail":
		body = c.mail
	case "eliminate":
		body = c.eliminate
	default:
		return nil, nil
	}
	if c.res == nil {
		return nil, fmt.Errorf("ctx.%s: only setup and resolve may draw, write, mail or eliminate; the others only look", name)
	}
	return method(name, body), nil
}

func (c *worldCtx) read(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path string
	if err := starlark.UnpackArgs(name, args, kwargs, "path", &path); err != nil {
		return nil, err
	}
	text, ok, err := c.ctx.Read(path)
	if err != nil || !ok {
		return starlark.None, err
	}
	return starlark.String(text), nil
}

func (c *worldCtx) list(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	glob := "**"
	if err := starlark.UnpackArgs(name, args, kwargs, "glob?", &glob); err != nil {
		return nil, err
	}
	paths, err := c.ctx.List(glob)
	if err != nil {
		return nil, err
	}
	return texts(paths), nil
}

func (c *worldCtx) random(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var stream string
	if err := starlark.UnpackArgs(name, args, kwargs, "name", &stream); err != nil {
		return nil, err
	}
	return newDice(c.res.Random(stream)), nil
}

func (c *worldCtx) write(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return pathAndText(name, args, kwargs, c.res.Write)
}

func (c *worldCtx) append(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return pathAndText(name, args, kwargs, c.res.Append)
}

// pathAndText calls do with the arguments (path, text).
func pathAndText(name string, args starlark.Tuple, kwargs []starlark.Tuple, do func(path, text string) error) (starlark.Value, error) {
	var path, text string
	if err := starlark.UnpackArgs(name, args, kwargs, "path", &path, "text", &text); err != nil {
		return nil, err
	}
	return starlark.None, do(path, text)
}

func (c *worldCtx) remove(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path string
	if err := starlark.UnpackArgs(name, args, kwargs, "path", &path); err != nil {
		return nil, err
	}
	return starlark.None, c.res.Remove(path)
}

func (c *worldCtx) mail(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var to starlark.Value
	var text string
	if err := starlark.UnpackArgs(name, args, kwargs, "seats", &to, "text", &text); err != nil {
		return nil, err
	}
	seats, err := fromValue(to)
	if err != nil {
		return nil, fmt.Errorf("mail: seats: %w", err)
	}
	return starlark.None, c.res.Mail(seats, clean(text))
}

func (c *worldCtx) eliminate(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var seat, reason string
	if err := starlark.UnpackArgs(name, args, kwargs, "name", &seat, "reason?", &reason); err != nil {
		return nil, err
	}
	return starlark.None, c.res.Eliminate(seat, clean(reason))
}
