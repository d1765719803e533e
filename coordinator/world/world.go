package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
)

// DefaultTimeout is how long a call may take if the scenario does not say.
const DefaultTimeout = 30 * time.Second

// Config is how a world program is run.
type Config struct {
	Spawn Spawn
	// Timeout bounds every call; 0 is [DefaultTimeout].
	Timeout time.Duration
	// Tree names a directory that holds the head while a call is open; nil or "": the
	// program is told of none. It is asked at every call.
	Tree func() string
	// Log hears the program's log messages and its standard error, in pieces as they
	// come; nil: nobody does. Several goroutines may call it at a time.
	Log func(text string)
}

// World is a world program that runs. It is safe for concurrent use: calls wait for
// each other.
type World struct {
	ctx context.Context
	cfg Config

	mu     sync.Mutex
	child  *child // guarded by mu, as are the rest
	nextID int64
	failed *Error // set once; then the process is gone
}

var _ sim.World = (*World)(nil)

// Open starts the program. When ctx is cancelled an open call ends at once; the owner
// calls [World.Close] in any case. The error is an [*Error].
func Open(ctx context.Context, cfg Config) (*World, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	p, err := cfg.Spawn(ctx)
	if err != nil {
		return nil, &Error{Kind: Start, Text: err.Error(), cause: err}
	}
	return &World{ctx: ctx, cfg: cfg, child: newChild(p, cfg.Log)}, nil
}

// Close ends the program: its input is closed, and after two seconds it is killed. It
// returns when the process and everything that read from it is gone. An open call is
// waited for. Closing twice is no error.
func (w *World) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.child.end(grace)
		w.failed = &Error{Kind: Stopped, Text: "it is closed"}
	}
	return nil
}

// call asks one thing and waits for the answer.
func (w *World) call(name string, fields map[string]any) (*reply, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil {
		return nil, w.failed
	}
	w.nextID++
	fields["type"], fields["id"], fields["call"] = "call", w.nextID, name
	data, err := expr.Canonical(fields)
	if err != nil {
		return nil, w.fail(name, &Error{Kind: Protocol, Text: "the call is no JSON: " + err.Error(), cause: err})
	}
	r, bad := w.exchange(append(data, '\n'))
	if bad != nil {
		return nil, w.fail(name, bad)
	}
	return r, nil
}

// reject makes a failure of an answer that came in form and cannot stand.
func (w *World) reject(name string, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil {
		return w.failed
	}
	return w.fail(name, &Error{Kind: Protocol, Text: err.Error(), cause: err})
}

// fail ends the process and keeps the error for all later calls. A process that ended
// by itself is given time to say why; one that hangs is not.
func (w *World) fail(name string, e *Error) error {
	patience := time.Duration(0)
	if e.Kind == Crash {
		patience = grace
	}
	e.Call = name
	e.Exit, e.Stderr = w.child.end(patience)
	w.failed = e
	return e
}

// exchange sends a line and reads up to the answer with the current id.
func (w *World) exchange(data []byte) (*reply, *Error) {
	limit := time.NewTimer(w.cfg.Timeout)
	defer limit.Stop()
	sent := w.child.write(data)
	var answer *reply
	for answer == nil || sent != nil {
		select {
		case <-sent:
			sent = nil // if it failed, the program has ended or will not answer
		case l := <-w.child.lines:
			r, err := w.take(l, answer != nil)
			if err != nil {
				return nil, err
			}
			if r != nil {
				answer = r
			}
		case <-limit.C:
			return nil, &Error{Kind: Timeout, Text: fmt.Sprintf("no answer within %v; it was killed", w.cfg.Timeout)}
		case <-w.ctx.Done():
			cause := context.Cause(w.ctx)
			return nil, &Error{Kind: Stopped, Text: "stopped: " + cause.Error(), cause: cause}
		}
	}
	return answer, nil
}

// take judges one line: an answer, nothing of interest, or a fault.
func (w *World) take(l line, answered bool) (*reply, *Error) {
	switch {
	case errors.Is(l.err, errTooLong):
		return nil, &Error{Kind: Protocol, Text: l.err.Error()}
	case errors.Is(l.err, io.EOF) && len(l.data) > 0:
		return nil, &Error{Kind: Crash, Text: fmt.Sprintf("it ended in the middle of a line of %d bytes", len(l.data))}
	case l.err != nil:
		return nil, &Error{Kind: Crash, Text: "it ended without an answer", cause: l.err}
	}
	r, err := parseReply(l.data)
	if err != nil {
		return nil, &Error{Kind: Protocol, Text: fmt.Sprintf("%v, in the line %s", err, excerpt(l.data)), cause: err}
	}
	switch r.kind {
	case "log":
		if w.cfg.Log != nil {
			w.cfg.Log(r.text)
		}
		return nil, nil
	case "result", "error":
	default:
		return nil, nil
	}
	if answered || r.id != w.nextID {
		return nil, &Error{Kind: Protocol, Text: fmt.Sprintf("an answer to call %d, while %d is open; each call is answered once", r.id, w.nextID)}
	}
	if r.kind == "error" {
		return nil, &Error{Kind: Refused, Text: r.text}
	}
	return r, nil
}

// excerpt quotes the beginning of a line for an error text.
func excerpt(data []byte) string {
	const most = 120
	if len(data) > most {
		return fmt.Sprintf("%q…", data[:most])
	}
	return fmt.Sprintf("%q", data)
}
