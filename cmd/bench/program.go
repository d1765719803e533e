package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// cpuTarget is the most processor time of the coordinator for a turn of one agent, in
// milliseconds.
const cpuTarget = 0.3

// programScenario has n agents that are this program; files are in everybody's view.
func (b *bench) programScenario(n, files, turns int, args ...string) string {
	command, _ := json.Marshal(append([]string{b.exe, "agent"}, args...))
	var s strings.Builder
	fmt.Fprintf(&s, "sandtable: 1\nname: bench\nseed: 1\nupstream: scripted\nworkspace:\n  files:\n    docs/00.md: shared\n")
	for i := 1; i < files; i++ {
		fmt.Fprintf(&s, "    docs/%02d.md: %s\n", i, strings.Repeat("words ", 150))
	}
	fmt.Fprintf(&s, "players: {p: {runtime: program, command: %s}}\nagents: [{name: a, count: %d, player: p}]\n", command, n)
	fmt.Fprintf(&s, "turns:\n  max: %d\n  phases:\n    - {name: p, action: {move: {enum: [C, D]}}, default: {move: C}}\n", turns)
	return s.String()
}

// turnCost is what the turns of a run cost, of a turn of one agent.
type turnCost struct{ own, supervisor, wall sample } // milliseconds

func (c *turnCost) add(used cpuTime, walls sample, agents, turns int) {
	n := float64(agents * turns)
	c.own = append(c.own, used.own.Seconds()*1e3/n)
	c.supervisor = append(c.supervisor, used.supervisor.Seconds()*1e3/n)
	c.wall = append(c.wall, walls.median()*1e3/float64(agents))
}

// load is what program agents do in a measured run.
type load struct {
	what   string
	sync   bool // wait for the disk
	args   []string
	judged bool
}

// program measures the coordinator's own cost of a turn in which no file changes.
func (b *bench) program() error {
	return b.loads(b.pick(100, 30), b.pick(60, 20), b.pick(3, 1), []load{
		{what: "no file change, no fsync", judged: true},
		{what: "no file change, fsync", sync: true},
	})
}

// files measures turns in which every agent changes a file, and so all views change in as
// many files as there are agents.
func (b *bench) files() error {
	return b.loads(b.pick(20, 10), b.pick(20, 10), b.pick(2, 1), []load{
		{what: "each writes one file a turn, no fsync", args: []string{"-write"}},
		{what: "each writes one file a turn, fsync", sync: true, args: []string{"-write"}},
	})
}

// loads plays every load and its bare counterpart in turns.
func (b *bench) loads(n, turns, reps int, loads []load) error {
	const warm = 5 // turns until caches and pools have their size
	costs, bare := make([]turnCost, len(loads)), make([]turnCost, len(loads))
	for range reps {
		for i, l := range loads {
			if err := b.bareProgram(n, turns, warm, &bare[i], l.args...); err != nil {
				return err
			}
			p, err := b.play(b.programScenario(n, 10, turns, l.args...), playing{sync: l.sync, from: warm, to: turns})
			if err != nil {
				return err
			}
			costs[i].add(p.used(), p.walls(warm), n, turns-warm)
		}
	}
	for i := range loads {
		b.cpuRow(n, &loads[i], &costs[i], &bare[i])
	}
	return nil
}

func (b *bench) cpuRow(n int, l *load, c, bare *turnCost) {
	r := row{
		what:  fmt.Sprintf("coordinator CPU an agent-turn, %d program agents, 10-file view: %s", n, l.what),
		ours:  c.own.show("%.3f", "ms") + " + supervisor " + c.supervisor.show("%.3f", "ms"),
		bare:  bare.own.show("%.3f", "ms"),
		ratio: over(c.own, bare.own),
		peer:  "promptfoo 0.121 2.1 ms user a unit; kaggle-environments 0.88 ms in process",
	}
	if l.judged {
		r.target = fmt.Sprintf("≤ %.1f ms, supervisor counted in", cpuTarget)
		r.met = atMost(c.own.median()+c.supervisor.median(), bare.own.median(), cpuTarget, "%.3f ms")
	}
	b.table.add(r)
	b.table.add(row{
		what: fmt.Sprintf("wall of a stage, divided by its %d agents: %s", n, l.what), ours: c.wall.show("%.3f", "ms"), bare: bare.wall.show("%.3f", "ms"),
		ratio: over(c.wall, bare.wall), peer: "promptfoo 0.121 2.8 ms a unit",
	})
}
