package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sandtable/sandtable/sim"
)

// finish says goodbye to the agents, looks that nothing of them is left, and takes what
// must survive out of the sandbox. The run has a result; that it cannot be kept is a
// failure of the harness. An interrupt comes too late to change how the run ended.
func (r *run) finish(res *sim.Result) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), goodbyeLimit)
	defer cancel()
	err := r.goodbye(ctx, goodbye{reason: res.Reason, truncated: res.Truncated, scores: res.Scores})
	return errors.Join(err, r.ws.Final(r.opts.Dir.Workspace()), r.broken())
}

// goodbye ends all agents at the same time and keeps their conversations. A run that
// was stopped or failed keeps them too. Calling it again does nothing.
func (r *run) goodbye(ctx context.Context, bye goodbye) error {
	errs := make([]error, len(r.plan.Seats))
	for i, st := range r.plan.Seats {
		if s := r.seats[st.Name]; s != nil {
			r.leave.Go(func() { errs[i] = s.leave(ctx, bye) })
		}
	}
	r.leave.Wait()
	for i, st := range r.plan.Seats {
		if errs[i] != nil {
			errs[i] = fmt.Errorf("ending agent %s: %w", st.Name, errs[i])
		}
	}
	return errors.Join(errs...)
}

// maxTranscript is how much of an agent's conversation is kept, in bytes.
const maxTranscript = 256 << 20

// kept is how much of which conversation the run directory has.
type kept struct {
	file string
	size int64
}

// skip goes to where what is not kept yet begins.
func (k kept) skip(in *os.File) error {
	end, err := in.Seek(0, io.SeekEnd)
	if err == nil && end < k.size {
		err = fmt.Errorf("%s has %d bytes, and had %d", in.Name(), end, k.size)
	}
	if err != nil {
		return err
	}
	_, err = in.Seek(k.size, io.SeekStart)
	return err
}

// keepTranscript brings an agent's conversation in the run directory up to date: at each
// seal, so that it outlives a coordinator that is killed, and at the end. The file lies
// where the agent may write: what it has put in its place is not read, and noted.
func (r *run) keepTranscript(s *seat) error {
	from := s.transcript()
	if from == "" || s.kept.size >= maxTranscript && from == s.kept.file {
		return nil // it never got as far as a first message, or there is enough of it
	}
	if from != s.kept.file {
		s.kept = kept{file: from}
	}
	in, err := openRegular(from)
	if err == nil {
		defer in.Close()
		err = s.kept.skip(in)
	}
	if err != nil {
		r.trace.event("transcript.lost", at{agent: s.name}, err.Error(), nil)
		return nil
	}
	out, err := r.agentFile(s.name, "transcript.jsonl")
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(in, maxTranscript-s.kept.size))
	if s.kept.size += n; s.kept.size == maxTranscript {
		r.trace.event("transcript.cut", at{agent: s.name}, "", map[string]any{"bytes": s.kept.size})
	}
	return errors.Join(err, out.Close())
}

// openRegular opens a file of somebody who is not trusted: it follows no link and waits
// for no pipe.
func openRegular(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
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
