package jobs

import (
	"context"
	"time"

	"github.com/sandtable/sandtable/scenarios"
)

// admit waits until the batch's limits have room for a run, and returns it as it is to
// be played; false: there is no room, and there will be none. A limit of money or tokens
// has room while what is spent and what the runs in flight may still spend stays below it
// (design, section 6).
func (b *batch) admit(ctx context.Context, run *scenarios.Run) (*scenarios.Run, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ctx.Err() == nil && len(b.errs) == 0 && b.room(Spent{}) {
		if !b.room(b.flight) {
			b.ended.Wait()
			continue
		}
		timed, ok := b.timed(run)
		b.flight = b.flight.plus(b.most(run))
		return timed, ok
	}
	return nil, false
}

// settle makes what a run might have spent what it has spent.
func (b *batch) settle(run *scenarios.Run, spent Spent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	most := b.most(run)
	b.flight = b.flight.plus(Spent{-most.Tokens, -most.NanoUSD})
	b.spent = b.spent.plus(spent)
	b.ended.Broadcast()
}

// room reports whether spending stays below the batch's limits with more beside it.
func (b *batch) room(more Spent) bool {
	at := b.spent.plus(more)
	if b.limits.USD != nil && at.NanoUSD >= scenarios.NanoUSD(*b.limits.USD) {
		return false
	}
	return b.limits.Tokens == nil || at.Tokens < int64(*b.limits.Tokens)
}

// most is what a run may spend by its own limits. One that has none may spend all that
// the batch has: nothing else is begun beside it.
func (b *batch) most(run *scenarios.Run) (s Spent) {
	own := run.Cell.Limits
	if all := b.limits.USD; all != nil {
		s.NanoUSD = scenarios.NanoUSD(*all)
		if own.HasUSD {
			s.NanoUSD = min(s.NanoUSD, scenarios.NanoUSD(own.USD))
		}
	}
	if all := b.limits.Tokens; all != nil {
		s.Tokens = int64(*all)
		if own.Tokens > 0 {
			s.Tokens = min(s.Tokens, int64(own.Tokens))
		}
	}
	return s
}

func (s Spent) plus(o Spent) Spent { return Spent{s.Tokens + o.Tokens, s.NanoUSD + o.NanoUSD} }

// timed gives a run no more time than the batch has left; false: it has none. At its end
// the run is cut short as by its own limit: it is truncated, and not interrupted.
func (b *batch) timed(run *scenarios.Run) (*scenarios.Run, bool) {
	if b.limits.Wall <= 0 {
		return run, true
	}
	left := b.limits.Wall - time.Since(b.start)
	if left <= 0 {
		return nil, false
	}
	cell := *run.Cell
	if cell.Limits.Wall == 0 || cell.Limits.Wall > left {
		cell.Limits.Wall = left
	}
	timed := *run
	timed.Cell = &cell
	return &timed, true
}
