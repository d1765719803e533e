package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sandtable/sandtable/coordinator/gateway"
)

// bareRun is what a run of bare agents took, in seconds: when the first turn and the last
// were over, counted from the start, and what each turn took.
type bareRun struct {
	first, all float64
	turns      sample
	cpu        time.Duration // of this process in the turns, the model's side
}

// bareRun plays turns with n bare agents: together, everyone waiting for the last, or each
// on its own.
func (b *bench) bareRun(binary string, n, turns int, together bool) (r bareRun, err error) {
	g, model, err := bareModel()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	agents := make([]*bareAgent, n)
	defer func() {
		err = errors.Join(err, each(n, func(i int) error {
			if agents[i] == nil {
				return nil
			}
			return agents[i].close()
		}))
	}()
	if r, err = b.bareTurns(binary, g, agents, turns, together); err != nil {
		return r, err
	}
	return r, sameWork(model.Tally().Total.Replies, n, turns)
}

// bareTurns starts the agents and plays.
func (b *bench) bareTurns(binary string, g *gateway.Gateway, agents []*bareAgent, turns int, together bool) (bareRun, error) {
	start := time.Now()
	open := func(i int) (err error) {
		agents[i], err = b.startBare(fmt.Sprintf("a-%d", i+1), binary, g)
		return err
	}
	if !together {
		err := each(len(agents), func(i int) error {
			err := open(i)
			for t := 1; t <= turns && err == nil; t++ {
				err = agents[i].turn(b.ctx, t)
			}
			return err
		})
		return bareRun{all: time.Since(start).Seconds()}, err
	}
	if err := each(len(agents), open); err != nil {
		return bareRun{}, err
	}
	return b.inStep(agents, turns, start)
}

// inStep plays turns in which everyone waits for the last.
func (b *bench) inStep(agents []*bareAgent, turns int, start time.Time) (r bareRun, err error) {
	used := ownCPU()
	for t := 1; t <= turns; t++ {
		begun := time.Now()
		if err := each(len(agents), func(i int) error { return agents[i].turn(b.ctx, t) }); err != nil {
			return r, err
		}
		r.turns = append(r.turns, time.Since(begun).Seconds())
		if t == 1 {
			r.first = time.Since(start).Seconds()
		}
	}
	r.all, r.cpu = time.Since(start).Seconds(), ownCPU()-used
	return r, nil
}

// each does something for all at the same time.
func each(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
