package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/sandtable/sandtable/scenarios/expr"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// script is a loaded model.star. Its globals are frozen, so that replies cannot depend on
// each other, and it may be called from many goroutines.
type script struct {
	options ScriptedOptions
	fn      *starlark.Function
}

const defaultSteps = 10_000_000

func loadScript(o ScriptedOptions) (*script, error) {
	if o.Steps == 0 {
		o.Steps = defaultSteps
	}
	s := &script{options: o}
	names, err := builtins()
	if err != nil {
		return nil, fmt.Errorf("model script: %w", err)
	}
	l := &loader{script: s, builtins: names, done: map[string]starlark.StringDict{}, open: map[string]bool{}}
	globals, err := l.load(o.Script)
	if err != nil {
		return nil, fmt.Errorf("model script: %w", explain(err))
	}
	fn, ok := globals["reply"].(*starlark.Function)
	if !ok {
		return nil, fmt.Errorf("model script %s: defines no function reply(request, agent, turn, ctx)", o.Script)
	}
	if n := fn.NumParams(); !fn.HasVarargs() && n != 3 && n != 4 {
		return nil, fmt.Errorf("model script %s: reply takes %d parameters; it should be reply(request, agent, turn, ctx)", fn.Position(), n)
	}
	s.fn = fn
	return s, nil
}

// loader loads files of one folder, each once.
type loader struct {
	script   *script
	builtins starlark.StringDict
	done     map[string]starlark.StringDict
	open     map[string]bool // being loaded
}

func (l *loader) load(file string) (starlark.StringDict, error) {
	if globals, ok := l.done[file]; ok {
		return globals, nil
	}
	if !fs.ValidPath(file) || file == "." {
		return nil, fmt.Errorf("%q: want a path inside the scenario folder", file)
	}
	if l.open[file] {
		return nil, fmt.Errorf("%s: files may not load each other in a circle", file)
	}
	l.open[file] = true
	defer delete(l.open, file)
	source, err := l.script.options.Files.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	thread := l.script.thread("", file)
	thread.Load = func(_ *starlark.Thread, module string) (starlark.StringDict, error) {
		if path.IsAbs(module) {
			return nil, fmt.Errorf("%q: want a path inside the scenario folder", module)
		}
		return l.load(path.Join(path.Dir(file), module))
	}
	globals, err := starlark.ExecFileOptions(&syntax.FileOptions{Set: true}, thread, file, source, l.builtins)
	if err != nil {
		return nil, err
	}
	globals.Freeze()
	l.done[file] = globals
	return globals, nil
}

// builtins are the names of expressions, so that sum or round mean the same in all files
// of a scenario. They are had by evaluating them.
func builtins() (starlark.StringDict, error) {
	out := starlark.StringDict{}
	for _, name := range expr.Builtins() {
		e, err := expr.Compile(name, "builtin", 1, 1, nil)
		if err != nil {
			return nil, err
		}
		if out[name], err = e.Eval(nil); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *script) thread(agent, name string) *starlark.Thread {
	t := &starlark.Thread{Name: name, Print: func(_ *starlark.Thread, line string) {
		if s.options.Print != nil {
			s.options.Print(agent, line)
		}
	}}
	t.SetMaxExecutionSteps(s.options.Steps)
	t.OnMaxSteps = func(t *starlark.Thread) {
		t.Cancel(fmt.Sprintf("more than %d steps", s.options.Steps))
	}
	return t
}

// reply calls the script. It ends early when ctx is done.
func (s *script) reply(ctx context.Context, call *Call) (*answer, error) {
	request, err := requestValue(call)
	if err != nil {
		return nil, err
	}
	thread := s.thread(call.Agent, "reply")
	stop := context.AfterFunc(ctx, func() { thread.Cancel("the client has gone") })
	defer stop()
	args := starlark.Tuple{request, starlark.String(call.Agent), starlark.MakeInt(call.Turn), s.context(call)}
	if !s.fn.HasVarargs() {
		args = args[:s.fn.NumParams()]
	}
	v, err := starlark.Call(thread, s.fn, args, nil)
	if err != nil {
		return nil, explain(err)
	}
	a, err := readReply(v)
	if err != nil {
		return nil, fmt.Errorf("%s: reply returned a value that is no reply: %w", s.fn.Position(), err)
	}
	return a, nil
}

// context is the script's ctx: where in the game it is, and its dice.
func (s *script) context(call *Call) starlark.Value {
	key := func(name string) [32]byte {
		return s.options.Key("model", call.Agent, strconv.Itoa(call.Turn), strconv.Itoa(call.Stage), strconv.Itoa(call.talk.call), name)
	}
	return starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
		"phase":   starlark.String(call.Phase),
		"stage":   starlark.MakeInt(call.Stage),
		"attempt": starlark.MakeInt(call.Attempt),
		"random":  randomBuiltin(key),
	})
}

// explain gives an error of the interpreter its call stack.
func explain(err error) error {
	var eval *starlark.EvalError
	if errors.As(err, &eval) {
		return errors.New(strings.TrimSpace(eval.Backtrace()))
	}
	return err
}
