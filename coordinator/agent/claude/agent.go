package claude

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/sandtable/sandtable/coordinator/agent"
	"github.com/sandtable/sandtable/coordinator/agent/mcp"
)

// closeGrace is how long a process may take to end by itself when its input ends.
const closeGrace = 2 * time.Second

// Agent plays one seat with one process. Start, Act and Close are for one goroutine at
// a time; a call waits for the one before it.
type Agent struct {
	opts    Options
	policy  *policy
	bridge  *mcp.Bridge
	neutral func(string) string // without the view's path
	private func(string) string // without any path of the agent's own: for failures
	lock    *flock.Flock        // of the configuration directory: a session has one owner

	turn    sync.Mutex // held by Start, Act and Close
	session *session   // nil: none runs
	id      string     // of the session
	begun   bool       // a process was started with id
	closed  bool

	mu    sync.Mutex // guards what follows
	tools []string   // of the open act's phase; nil: the player's
	acts  int        // begun so far
	open  bool       // an act is open, and has steps left
	last  string     // how the last process ended
}

// New returns an agent that has not been started. Its options are valid then.
func New(o Options) (*Agent, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Start == nil || o.Desk == nil || o.Server == nil {
		return nil, fmt.Errorf("agent %s: claude.Options needs Start, Desk and Server", o.Name)
	}
	id := o.SessionID
	if id == "" {
		id = newUUID()
	}
	return &Agent{
		opts: o, policy: newPolicy(&o), bridge: mcp.NewBridge(o.Server), neutral: agent.Neutral(o.Dir),
		private: agent.Neutral(o.Dir, o.ConfigDir, o.RuntimeDir, o.Tmp, o.Home), // the inner ones first
		lock:    flock.New(filepath.Join(o.ConfigDir, "sandtable.lock")), id: id,
	}, nil
}

// SessionID is the session as it is now: it changes when one had to be begun anew.
func (a *Agent) SessionID() string {
	a.turn.Lock()
	defer a.turn.Unlock()
	return a.id
}

// Transcript is the file of a session in a configuration directory; "" if it has none
// yet.
func Transcript(configDir, session string) string {
	found, _ := filepath.Glob(filepath.Join(configDir, "projects", "*", session+".jsonl"))
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// Start starts the process and returns when it is connected, or with the reason why it
// is not; then no process is left. A session that exists in the configuration
// directory is resumed. Starting twice changes nothing.
func (a *Agent) Start(ctx context.Context) error {
	a.turn.Lock()
	defer a.turn.Unlock()
	return a.ready(ctx)
}

// ready makes sure that a process runs, and starts one if not.
func (a *Agent) ready(ctx context.Context) error {
	if a.closed {
		return fmt.Errorf("agent %s was closed", a.opts.Name)
	}
	if a.session != nil && a.session.alive() {
		return nil
	}
	a.drop(0)
	if err := a.own(); err != nil {
		return err
	}
	resume := Transcript(a.opts.ConfigDir, a.id) != ""
	if !resume && a.begun {
		a.renew("it left no transcript")
	}
	err := a.launch(ctx, resume)
	var ended *endedError
	if !resume || !errors.As(err, &ended) {
		return err
	}
	a.renew(err.Error()) // a client that cannot resume ends at once
	return a.launch(ctx, false)
}

// renew begins a new session in place of one that cannot be resumed.
func (a *Agent) renew(reason string) {
	a.trace("claude.lost", Lost{a.id, reason})
	a.id, a.begun = newUUID(), false
}

// own takes the configuration directory for this agent: two processes that resume one
// session lose one of two branches silently, and the client has no lock of its own.
func (a *Agent) own() error {
	ok, err := a.lock.TryLock()
	if err != nil {
		return fmt.Errorf("agent %s: lock the configuration directory: %w", a.opts.Name, err)
	}
	if !ok {
		return fmt.Errorf("agent %s: the configuration directory %s is in use by another driver: a session has one owner", a.opts.Name, a.opts.ConfigDir)
	}
	return nil
}

// drop closes the session, if there is one.
func (a *Agent) drop(grace time.Duration) {
	if a.session == nil {
		return
	}
	exit := a.session.close(grace)
	a.session = nil
	a.mu.Lock()
	a.last = exit
	a.mu.Unlock()
	a.trace("claude.exit", Ended{exit})
}

// Close ends the process: its input ends, and two seconds later, or when ctx ends, it
// is killed. It returns how the last process ended, and leaves none. It may be called
// twice.
func (a *Agent) Close(ctx context.Context) (exit string, err error) {
	a.turn.Lock()
	defer a.turn.Unlock()
	grace := closeGrace
	if d, ok := ctx.Deadline(); ok {
		grace = min(grace, max(0, time.Until(d)))
	}
	if ctx.Err() != nil {
		grace = 0
	}
	a.drop(grace)
	a.closed = true
	err = errors.Join(a.bridge.Close(), a.lock.Unlock())
	return a.last, err
}

func (a *Agent) trace(kind string, data any) {
	if a.opts.Trace != nil {
		a.opts.Trace(kind, data)
	}
}

func (a *Agent) block(id string) { a.opts.Desk.Block(id) }

func (a *Agent) frame(line []byte) {
	if a.opts.Frames {
		a.trace("claude.frame", json.RawMessage(slices.Clone(line)))
	}
}

// newUUID draws a UUID of version 4.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
