package report

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// Status is what a [Progress] shows: the whole of it, each time.
type Status struct {
	Done, Total int // runs
	Running     int // runs
	Acting      int // agents
	Tokens      int64
	NanoUSD     int64
	Unpriced    bool // the dollars are a lower bound
}

// ProgressOptions of [NewProgress].
type ProgressOptions struct {
	Width int // columns; 0: 80
	// Every is the least time between two lines; 0: 200 ms.
	Every time.Duration
}

// Progress keeps one line of a terminal up to date: runs done, agents acting, tokens,
// dollars, and the time left as the mean time of a run so far suggests. One goroutine
// writes; updates never wait for it, and the latest wins. A nil *Progress is ready and
// shows nothing: that is what a pipe and --json get.
type Progress struct {
	latest chan Status // holds at most one
	cancel context.CancelFunc
	wait   sync.WaitGroup
	once   sync.Once

	w     io.Writer
	o     ProgressOptions
	begin time.Time
	shown bool
	err   error // a terminal that cannot be written to ends the display, not the batch
}

// NewProgress starts a progress line on w, which must be a terminal that understands
// carriage return and erase-line. Close it before writing anything else to w.
func NewProgress(w io.Writer, o ProgressOptions) *Progress {
	if o.Width <= 0 {
		o.Width = 80
	}
	if o.Every <= 0 {
		o.Every = 200 * time.Millisecond
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Progress{latest: make(chan Status, 1), cancel: cancel, w: w, o: o, begin: time.Now()}
	p.wait.Go(func() { p.run(ctx) })
	return p
}

// Update says what is so now. It may be called from any goroutine and never blocks.
func (p *Progress) Update(s Status) {
	if p == nil {
		return
	}
	for {
		select {
		case p.latest <- s:
			return
		default:
		}
		select { // the older one gives way
		case <-p.latest:
		default:
		}
	}
}

// Close takes the line away, stops the goroutine and waits for it.
func (p *Progress) Close() {
	if p == nil {
		return
	}
	p.once.Do(func() {
		p.cancel()
		p.wait.Wait()
	})
}

func (p *Progress) run(ctx context.Context) {
	tick := time.NewTicker(p.o.Every)
	defer tick.Stop()
	defer p.erase()
	status, known := Status{}, false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case status = <-p.latest:
			known = true
		default:
		}
		if known {
			p.draw(status)
		}
	}
}

func (p *Progress) draw(s Status) {
	if p.err == nil {
		p.shown = true
		_, p.err = io.WriteString(p.w, "\r\x1b[K"+clip(line(s, time.Since(p.begin)), p.o.Width-1))
	}
}

func (p *Progress) erase() {
	if p.shown && p.err == nil {
		_, p.err = io.WriteString(p.w, "\r\x1b[K")
	}
}

// line is the text of a status.
func line(s Status, elapsed time.Duration) string {
	out := fmt.Sprintf("%d/%d runs", s.Done, s.Total)
	if s.Running > 0 { // nobody counts them in memory
		out += fmt.Sprintf(", %d running, %d agents acting", s.Running, s.Acting)
	}
	out += fmt.Sprintf(", %s tokens, %s", Count(s.Tokens), USD(s.NanoUSD/1e4*1e4)) // a hundred-thousandth of a dollar is enough while it moves
	if s.Unpriced {
		out += "+"
	}
	if s.Done > 0 && s.Done < s.Total {
		left := elapsed / time.Duration(s.Done) * time.Duration(s.Total-s.Done)
		out += ", " + seconds(left.Seconds()) + " left"
	}
	return out
}
