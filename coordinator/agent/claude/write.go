package claude

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// write is the goroutine that owns stdin: one line at a time, whole.
func (s *session) write() {
	defer s.proc.Stdin.Close()
	for {
		select {
		case line := <-s.out:
			if _, err := s.proc.Stdin.Write(line); err != nil {
				return // the reader sees the end of the process
			}
		case <-s.eof:
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// send queues a line for stdin.
func (s *session) send(ctx context.Context, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	select {
	case s.out <- append(data, '\n'):
		return nil
	case <-s.ended:
		return errEnded
	case <-s.ctx.Done():
		return errEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errEnded is a process that cannot be spoken to any more.
var errEnded = errors.New("the process has ended")

// request asks the process something and waits for the answer.
func (s *session) request(ctx context.Context, body map[string]any) (json.RawMessage, error) {
	id, c := s.expect()
	defer s.forget(id)
	if err := s.send(ctx, map[string]any{"type": "control_request", "request_id": id, "request": body}); err != nil {
		return nil, err
	}
	select {
	case r := <-c:
		if r.Subtype != "success" {
			return nil, fmt.Errorf("%v: %.300s", body["subtype"], r.Error)
		}
		return r.Response, nil
	case <-s.ended:
		return nil, errEnded
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *session) expect() (string, chan reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	id, c := fmt.Sprintf("sandtable-%d", s.asked), make(chan reply, 1)
	s.pending[id] = c
	return id, c
}

func (s *session) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, id)
}
