package coordinator

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// idleWatch ends the open acts when no agent of the run has given a sign of life for the
// scenario's limits.idle: no output, no tool call, no byte of a model's response. One
// goroutine looks, for all acts together; it ends with the run's context.
type idleWatch struct {
	limit time.Duration

	mu   sync.Mutex // guards open; held from a look at the silence to what follows from it
	open map[string]context.CancelCauseFunc
}

// watchIdle starts looking; without a limit it does nothing.
func (r *run) watchIdle() {
	limit := r.opts.Run.Cell.Limits.Idle
	if limit <= 0 {
		return
	}
	r.idle = &idleWatch{limit: limit, open: map[string]context.CancelCauseFunc{}}
	ctx, cancel := context.WithCancel(r.ctx)
	var wg sync.WaitGroup
	wg.Go(func() { r.idle.look(ctx, r.silence) })
	r.onClose(func(context.Context) error {
		cancel()
		wg.Wait()
		return nil
	})
}

func (i *idleWatch) look(ctx context.Context, silence func() time.Duration) {
	tick := time.NewTicker(max(i.limit/8, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			i.judge(silence)
		}
	}
}

func (i *idleWatch) judge(silence func() time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if silence() <= i.limit {
		return
	}
	for _, cancel := range i.open {
		cancel(fmt.Errorf("no sign of life for %v: %w", i.limit, context.DeadlineExceeded))
	}
}

// acts opens an agent's act, which is a sign of life, and returns what closes it.
func (r *run) acts(agent string, cancel context.CancelCauseFunc) (over func()) {
	i := r.idle
	if i == nil {
		return func() {}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	r.trace.alive()
	i.open[agent] = cancel
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.open, agent)
	}
}

// silence is how long nothing has been heard of any agent.
func (r *run) silence() time.Duration {
	quiet := time.Since(r.trace.start) - time.Duration(r.trace.last.Load())
	if r.gateway == nil {
		return quiet
	}
	for name := range r.seats {
		if s := time.Since(r.gateway.Activity(name)); s < quiet {
			quiet = s
		}
	}
	return quiet
}
