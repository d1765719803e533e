package main

import (
	"sync"

	"github.com/sandtable/sandtable/coordinator"
	"github.com/sandtable/sandtable/results/report"
	"github.com/sandtable/sandtable/scenarios"
)

// progress adds up what the runs of a batch report and shows it on a terminal. Without
// one it shows nothing.
type progress struct {
	mu    sync.Mutex
	runs  map[string]coordinator.Progress
	state report.Status
	line  *report.Progress // nil: nobody is looking
}

func (b *batch) progress() *progress {
	p := &progress{runs: map[string]coordinator.Progress{}, state: report.Status{Total: len(b.plan.Runs)}}
	if width, tty := terminal(b.app.stderr); tty && obedient() && !b.flags.json {
		p.line = report.NewProgress(b.app.stderr, report.ProgressOptions{Width: width})
	}
	return p
}

// watch hears of one run.
func (p *progress) watch(run coordinator.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs[run.Run] = run
	p.show()
}

// done hears that a run has ended.
func (p *progress) done(run *scenarios.Run, _ error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := run.Cell.ID + "/" + run.ID
	last := p.runs[id]
	p.state.Done++
	p.state.Tokens += last.Tokens
	p.state.NanoUSD += last.NanoUSD
	delete(p.runs, id)
	p.show()
}

func (p *progress) show() {
	s := p.state
	s.Running = len(p.runs)
	for _, r := range p.runs {
		s.Acting += r.Acting
		s.Tokens += r.Tokens
		s.NanoUSD += r.NanoUSD
	}
	p.line.Update(s)
}

func (p *progress) close() { p.line.Close() }
