package claude

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/sandtable/sandtable/sim"
)

// read is the goroutine that owns stdout. Frames are handled in order; only the
// answers to the process's own requests are made elsewhere.
func (s *session) read() {
	defer close(s.ended)
	l := newLines(s.proc.Stdout, MaxLine)
	for {
		line, err := l.next()
		if errors.Is(err, errLine) {
			s.fail(sim.Truncated, "%v", err)
		}
		if err != nil {
			return
		}
		if s.output.Add(int64(len(line))+1) > MaxOutput {
			s.fail(sim.Truncated, "the agent's process wrote more than %d MiB in one act", MaxOutput>>20)
			return
		}
		if !s.line(line) {
			return
		}
	}
}

// line handles one line; false ends the reading.
func (s *session) line(line []byte) bool {
	f, ok := parse(line)
	if !ok {
		s.host.trace("claude.garbage", Garbage{string(line[:min(len(line), 200)])})
		if s.garbage.Add(1) > MaxGarbage {
			s.fail(sim.Unparsable, "the agent's process wrote %d lines that are not JSON", MaxGarbage+1)
			return false
		}
		return true
	}
	s.host.frame(line)
	if f.Type == "result" {
		s.ends(line)
		return true
	}
	s.dispatch(&f)
	return true
}

// ends hands on the result of a turn.
func (s *session) ends(line []byte) {
	r := &result{}
	if err := json.Unmarshal(line, r); err != nil {
		s.fail(sim.Unparsable, "the result of the agent's process is not understood: %v", err)
		return
	}
	select {
	case s.results <- r:
	default: // nobody waits for that many
		s.host.trace("claude.stale", Stale{Message: r.UserMessage, Subtype: r.Subtype})
	}
}

func (s *session) dispatch(f *frame) {
	switch f.Type {
	case "control_response":
		s.answered(f.Response)
	case "control_request":
		s.serve(f)
	case "control_cancel_request":
		s.mu.Lock()
		cancel := s.open[f.RequestID]
		s.mu.Unlock()
		if cancel != nil {
			cancel()
		}
	case "assistant":
		s.assistant(f)
	}
}

func (s *session) answered(raw json.RawMessage) {
	var r reply
	if json.Unmarshal(raw, &r) != nil {
		return
	}
	s.mu.Lock()
	c := s.pending[r.RequestID]
	delete(s.pending, r.RequestID)
	s.mu.Unlock()
	if c != nil {
		c <- r // has room for its one answer
	}
}

// assistant announces the tool blocks of a model's message, and counts the messages of
// the main loop. It runs before any call of these blocks can be answered, so that nothing
// is done that a message beyond the limit asks for.
func (s *session) assistant(f *frame) {
	var m message
	if json.Unmarshal(f.Message, &m) != nil {
		return
	}
	for _, b := range m.Content {
		if b.Type == "tool_use" && b.ID != "" {
			s.host.block(b.ID)
		}
	}
	if f.Parent != nil || m.ID == "" || m.Model == "<synthetic>" { // the last is the client's own
		return
	}
	s.mu.Lock()
	s.messages[m.ID] = true
	n := int64(len(s.messages))
	s.mu.Unlock()
	if limit := s.stepLimit.Load(); limit > 0 && n > limit {
		s.host.spent()
		select {
		case s.steps <- struct{}{}:
		default:
		}
	}
}

// serve answers a request of the process on a goroutine of its own. When too many are
// open, reading waits: a process that asks on without reading answers holds up itself.
func (s *session) serve(f *frame) {
	select {
	case s.room <- struct{}{}:
	case <-s.ctx.Done():
		return
	case <-s.proc.Done:
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.mu.Lock()
	s.open[f.RequestID] = cancel
	s.mu.Unlock()
	var r request
	err := json.Unmarshal(f.Request, &r)
	r.act = s.host.act() // now, in the order of the frames: its goroutine may be late
	s.wg.Go(func() {
		defer func() { <-s.room }()
		defer cancel()
		s.reply(ctx, f.RequestID, &r, err)
	})
}

func (s *session) reply(ctx context.Context, id string, r *request, err error) {
	var v any
	if err != nil {
		err = errors.New("the request is not understood")
	} else {
		v, err = s.host.answer(ctx, r)
	}
	s.mu.Lock()
	delete(s.open, id)
	s.mu.Unlock()
	body := map[string]any{"subtype": "success", "request_id": id, "response": v}
	if err != nil {
		body = map[string]any{"subtype": "error", "request_id": id, "error": err.Error()}
	}
	_ = s.send(s.ctx, map[string]any{"type": "control_response", "response": body})
}

// begin opens a new act's accounts.
func (s *session) begin(steps int) {
	s.output.Store(0)
	s.garbage.Store(0)
	s.stepLimit.Store(int64(steps))
	s.mu.Lock()
	clear(s.messages)
	s.mu.Unlock()
	for {
		select {
		case <-s.steps:
		case r := <-s.results: // nobody asked for it
			s.host.trace("claude.stale", Stale{Message: r.UserMessage, Subtype: r.Subtype})
		default:
			return
		}
	}
}
