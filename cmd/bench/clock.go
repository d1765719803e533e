package main

import (
	"sync"
	"time"

	"github.com/sandtable/sandtable/coordinator"
)

// clock follows a run by its signs of life. The first act of a turn begins it; so the time
// between two turns is that of the whole turn: acts, resolution, publication and logs.
type clock struct {
	from, to int // turns at whose beginnings processor time is read; 0: never
	// window is called at both of them; nil: nobody is.
	window func(begin bool)

	mu    sync.Mutex
	turns []turnMark
	cpu   [2]cpuTime // at from and at to
}

// turnMark is what is known of a turn: its first act, and when the last act was over.
type turnMark struct {
	turn        int
	begun, idle time.Time
}

// watch is the run's display.
func (c *clock) watch(p coordinator.Progress) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.Turn == 0 {
		return
	}
	if len(c.turns) == 0 || c.turns[len(c.turns)-1].turn != p.Turn {
		c.turns = append(c.turns, turnMark{turn: p.Turn, begun: now})
		c.boundary(p.Turn)
	}
	if p.Acting == 0 {
		c.turns[len(c.turns)-1].idle = now
	}
}

func (c *clock) boundary(turn int) {
	if turn != c.from && turn != c.to {
		return
	}
	i := 0
	if turn == c.to {
		i = 1
	}
	c.cpu[i] = readCPU()
	if c.window != nil {
		c.window(i == 0)
	}
}

// end is when the last act of a turn was over; zero if it was not played.
func (c *clock) end(turn int) time.Time {
	for _, t := range c.turns {
		if t.turn == turn {
			return t.idle
		}
	}
	return time.Time{}
}

// walls are the lengths of the turns from one turn on, in seconds, the last one left out,
// since nothing follows it.
func (c *clock) walls(from int) sample {
	var s sample
	for i := 1; i < len(c.turns); i++ {
		if c.turns[i-1].turn >= from {
			s = append(s, c.turns[i].begun.Sub(c.turns[i-1].begun).Seconds())
		}
	}
	return s
}

// used is the processor time between the two turns that were named.
func (c *clock) used() cpuTime {
	return cpuTime{own: c.cpu[1].own - c.cpu[0].own, supervisor: c.cpu[1].supervisor - c.cpu[0].supervisor}
}
