package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/sandtable/sandtable/sim"
)

// finish says goodbye to the agents, looks that nothing of them is left, and takes what
// must survive out of the sandbox. The run has a result; that it cannot be kept is a
// failure of the harness.
func (r *run) finish(res *sim.Result) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), goodbyeLimit)
	defer cancel()
	var mu sync.Mutex
	var errs []error
	for _, s := range r.seats {
		bye := goodbye{reason: res.Reason, truncated: res.Truncated}
		if score, ok := res.Scores[s.name]; ok {
			bye.score = &score
		}
		r.leave.Go(func() {
			if err := s.leave(ctx, bye); err != nil {
				mu.Lock()
				errs = append(errs, fmt.Errorf("ending agent %s: %w", s.name, err))
				mu.Unlock()
			}
		})
	}
	r.leave.Wait()
	for _, s := range r.seats {
		errs = append(errs, r.keepTranscript(s))
	}
	errs = append(errs, r.ws.Final(r.opts.Dir.Workspace()))
	if err := context.Cause(r.ctx); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// keepTranscript copies an agent's conversation into the run directory.
func (r *run) keepTranscript(s *seat) error {
	from := s.transcript()
	if from == "" {
		return nil
	}
	in, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it never got as far as a first message
	}
	if err != nil {
		return fmt.Errorf("transcript of %s: %w", s.name, err)
	}
	defer in.Close()
	out, err := r.agentFile(s.name, "transcript.jsonl")
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// lay writes a tree into an empty folder.
func lay(dir string, files func(func(path string, data []byte, exec bool) error) error) error {
	return files(func(path string, data []byte, exec bool) error {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if exec {
			mode = 0o755
		}
		return os.WriteFile(name, data, mode)
	})
}
