package star

import (
	"context"
	"fmt"

	"go.starlark.net/starlark"
)

// MaxSteps is how many interpreter steps one call may take unless [WithSteps] says
// otherwise: about half a second of computing, a thousand times what a rule needs.
const MaxSteps = 20_000_000

// checkEvery is how many steps pass between looks at the caller's context.
const checkEvery = 50_000

// Option changes how files are run.
type Option func(*options)

type options struct {
	steps    uint64
	print    func(string)
	builtins starlark.StringDict
}

// WithSteps sets the number of interpreter steps that one call may take, and that
// running one file's top level may take; 0 is [MaxSteps].
func WithSteps(n uint64) Option { return func(o *options) { o.steps = n } }

// WithPrint sends what `print` says to sink, a text per call. It may be called by
// several goroutines at a time. Without it, print says nothing.
func WithPrint(sink func(string)) Option { return func(o *options) { o.print = sink } }

func collect(opts []Option) options {
	o := options{builtins: builtins()}
	for _, opt := range opts {
		opt(&o)
	}
	if o.steps == 0 {
		o.steps = MaxSteps
	}
	return o
}

// runner is an interpreter thread that is used again and again, by one goroutine at a
// time.
type runner struct {
	thread starlark.Thread
	limit  uint64
	ctx    context.Context
}

func newRunner(o options) *runner {
	r := &runner{limit: o.steps}
	r.thread.Print = func(_ *starlark.Thread, msg string) {
		if o.print != nil {
			o.print(msg)
		}
	}
	r.thread.OnMaxSteps = r.pause
	return r
}

// begin gives the next call its steps.
func (r *runner) begin(ctx context.Context) {
	r.ctx = ctx
	r.thread.Steps = 0
	r.thread.Uncancel()
	r.thread.SetMaxExecutionSteps(min(r.limit, checkEvery))
}

// pause runs every checkEvery steps, so that no goroutine is needed to watch ctx.
func (r *runner) pause(t *starlark.Thread) {
	switch {
	case r.ctx != nil && r.ctx.Err() != nil:
		t.Cancel(context.Cause(r.ctx).Error())
	case t.Steps >= r.limit:
		t.Cancel(fmt.Sprintf("it took %d steps, which is its limit", r.limit))
	default:
		t.SetMaxExecutionSteps(min(r.limit, t.Steps+checkEvery))
	}
}

// call calls f with those of args that it wants.
func (r *runner) call(ctx context.Context, f *function, args starlark.Tuple) (starlark.Value, error) {
	r.begin(ctx)
	v, err := starlark.Call(&r.thread, f.fn, args[:f.want], nil)
	r.ctx = nil
	if err != nil {
		return nil, evalError(err, f.file, f.fn.Name())
	}
	return v, nil
}
