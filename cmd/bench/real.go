package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/sandtable/sandtable/coordinator"
)

// What a real agent is given, by both sides.
const (
	realModel  = "claude-opus-5-5"
	realPrompt = "You play a game of moves with the others. Answer each turn with one action."
	realSchema = `{"move": {"enum": ["C", "D"]}}`
)

var realTools = []string{"Read", "Write", "Edit", "Bash"}

// realScenario has n agents that call act once a turn: the scripted model takes the
// default action, then says it is done, which is two requests a turn.
func realScenario(n, turns int) string {
	return fmt.Sprintf(`sandtable: 1
name: bench
seed: 1
upstream: scripted
workspace: {files: {00.md: shared}}
players:
  p: {model: %s, prompt: "%s", tools: [%s]}
agents: [{name: a, count: %d, player: p}]
turns:
  max: %d
  phases:
    - {name: p, action: %s, default: {move: C}}
`, realModel, realPrompt, strings.Join(realTools, ", "), n, turns, realSchema)
}

// cli finds the client.
func (b *bench) cli() (string, error) {
	path, _, err := coordinator.FindClaude(b.ctx, "", false)
	return path, err
}

// playReal plays a run of real agents.
func (b *bench) playReal(n, turns int, how playing) (*played, error) {
	p, err := b.play(realScenario(n, turns), how)
	if err != nil {
		return nil, err
	}
	rows, err := os.ReadFile(p.dir.Ledger())
	if err != nil {
		return nil, err
	}
	return p, sameWork(int64(bytes.Count(rows, []byte("\n"))), n, turns)
}

// sameWork makes sure that both sides had as many answers of the model as they should.
func sameWork(replies int64, n, turns int) error {
	if want := int64(2 * n * turns); replies != want {
		return fmt.Errorf("the model gave %d answers to %d agents in %d turns, not %d: the two sides cannot be compared", replies, n, turns, want)
	}
	return nil
}

// settled is the turn from which a process counts as warm.
const settled = 3

// warmth is what was found of a warm turn, in milliseconds.
type warmth struct{ ours, bare, apart, cpu, bareCPU sample }

// warm measures a turn of a process that has been up for a while.
func (b *bench) warm() error {
	binary, err := b.cli()
	if err != nil {
		return err
	}
	var w warmth
	for range b.pick(6, 1) {
		if err := b.warmBoth(binary, b.pick(30, 15), &w); err != nil {
			return err
		}
	}
	for _, s := range []sample{w.ours, w.bare, w.apart, w.cpu, w.bareCPU} {
		for i := range s {
			s[i] *= 1e3
		}
	}
	b.warmRows(&w)
	return nil
}

// warmBoth plays both sides once.
func (b *bench) warmBoth(binary string, turns int, w *warmth) error {
	r, err := b.bareRun(binary, 1, turns, true)
	if err != nil {
		return err
	}
	w.bare = append(w.bare, r.turns[settled:]...)
	w.bareCPU = append(w.bareCPU, r.cpu.Seconds()/float64(turns))
	p, err := b.playReal(1, turns, playing{sync: true, claude: binary, from: settled, to: turns})
	if err != nil {
		return err
	}
	own, err := p.apart(settled)
	if err != nil {
		return err
	}
	w.ours, w.apart = append(w.ours, p.walls(settled)...), append(w.apart, own...)
	w.cpu = append(w.cpu, p.used().own.Seconds()/float64(turns-settled))
	return nil
}

func (b *bench) warmRows(w *warmth) {
	const target = 75
	b.table.add(row{
		what: "warm turn of one real agent, one act call, two requests: p50 (min–max)",
		ours: w.ours.show("%.1f", "ms"), bare: w.bare.show("%.1f", "ms"), ratio: over(w.ours, w.bare),
		peer:   "Claude CLI 2.1.197 alone, one request a turn 60–65 ms; a process for each turn 510–620 ms",
		target: fmt.Sprintf("≤ %d ms", target), met: atMost(w.ours.median(), w.bare.median(), target, "%.1f ms"),
	})
	ours, bare := w.ours.quantile(0.1), w.bare.quantile(0.1)
	b.table.add(row{
		what: "the same, p10: with the least of what else the machine does",
		ours: fmt.Sprintf("%.1f ms", ours), bare: fmt.Sprintf("%.1f ms", bare), ratio: fmt.Sprintf("%.2f", ours/bare),
	})
	b.table.add(row{what: "of it before the hand-over and after the move: view, freeze, scan, logs, disk", ours: w.apart.show("%.2f", "ms")})
	b.table.add(row{
		what: "coordinator CPU of such a turn, the model's side included", ours: w.cpu.show("%.2f", "ms"), bare: w.bareCPU.show("%.2f", "ms"),
		ratio: over(w.cpu, w.bareCPU),
	})
}

// crowd is a number of agents whose first turn is timed.
type crowd struct {
	n, reps int
	peer    string
}

// first measures from the start of the run to the end of the first turn.
func (b *bench) first() error {
	binary, err := b.cli()
	if err != nil {
		return err
	}
	cases := []crowd{
		{1, 5, "Claude CLI 2.1.197, one-shot -p 0.65–0.93 s"},
		{8, 3, "Claude CLI 2.1.197 started in a loop 7.9 s, from seeded config dirs 3.9 s"},
		{32, 2, "Claude CLI 2.1.197 started in a loop 30.0 s, half the config dirs new"},
	}
	if b.quick {
		cases = cases[:2]
	}
	for _, c := range cases {
		if err := b.firstTurn(binary, c); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) firstTurn(binary string, c crowd) error {
	var ours, bare, cpu, bareCPU sample
	for range b.pick(c.reps, 1) {
		before := allCPU()
		r, err := b.bareRun(binary, c.n, 1, true)
		if err != nil {
			return err
		}
		between := allCPU()
		p, err := b.playReal(c.n, 1, playing{sync: true, claude: binary})
		if err != nil {
			return err
		}
		bare, ours = append(bare, r.first), append(ours, p.end(1).Sub(p.start).Seconds())
		bareCPU, cpu = append(bareCPU, (between-before).Seconds()), append(cpu, (allCPU()-between).Seconds())
	}
	r := row{
		what:  fmt.Sprintf("start of the run to the end of turn 1, real agents: %d", c.n),
		ours:  ours.show("%.2f", "s") + fmt.Sprintf("; %.1f s of processors, end included", cpu.median()),
		bare:  bare.show("%.2f", "s") + fmt.Sprintf("; %.1f s", bareCPU.median()),
		ratio: over(ours, bare), peer: c.peer,
	}
	if c.n == 32 {
		const target = 14
		r.target = fmt.Sprintf("≤ %d s on two processors", target)
		r.met = atMost(ours.median(), bare.median(), target, "%.1f s")
	}
	b.table.add(r)
	return nil
}

// whole is what whole runs took, in seconds.
type whole struct{ ours, bare, free, stage, bareStage, cpu, bareCPU sample }

// real compares whole runs.
func (b *bench) real() error {
	binary, err := b.cli()
	if err != nil {
		return err
	}
	n, turns := b.pick(8, 4), b.pick(20, 5)
	var w whole
	for range b.pick(3, 1) {
		if err := b.wholeRuns(binary, n, turns, &w); err != nil {
			return err
		}
	}
	b.wholeRows(n, turns, &w)
	return nil
}

func (b *bench) wholeRuns(binary string, n, turns int, w *whole) error {
	before := allCPU()
	bare, err := b.bareRun(binary, n, turns, true)
	if err != nil {
		return err
	}
	between := allCPU()
	p, err := b.playReal(n, turns, playing{sync: true, claude: binary})
	if err != nil {
		return err
	}
	w.bareCPU, w.cpu = append(w.bareCPU, (between-before).Seconds()), append(w.cpu, (allCPU()-between).Seconds())
	free, err := b.bareRun(binary, n, turns, false)
	if err != nil {
		return err
	}
	w.bare, w.free, w.ours = append(w.bare, bare.all), append(w.free, free.all), append(w.ours, p.end(turns).Sub(p.start).Seconds())
	w.stage, w.bareStage = append(w.stage, p.walls(2).median()), append(w.bareStage, bare.turns[1:].median())
	return nil
}

func (b *bench) wholeRows(n, turns int, w *whole) {
	const target = 1.05
	what := fmt.Sprintf("%d real agents × %d turns", n, turns)
	b.table.add(row{
		what: what + ", start included", ours: w.ours.show("%.2f", "s"), bare: w.bare.show("%.2f", "s"), ratio: over(w.ours, w.bare),
		peer:   "none published; the bare loop is the peer",
		target: fmt.Sprintf("harness over bare ≤ %.2f", target), met: atMost(w.ours.median()/w.bare.median(), 1, target, "%.2f"),
	})
	b.table.add(row{
		what: what + ", against agents that do not wait for each other",
		ours: w.ours.show("%.2f", "s"), bare: w.free.show("%.2f", "s"), ratio: over(w.ours, w.free),
	})
	b.table.add(row{
		what: what + ": one warm stage", ours: w.stage.show("%.3f", "s"), bare: w.bareStage.show("%.3f", "s"), ratio: over(w.stage, w.bareStage),
	})
	b.table.add(row{
		what: what + ": processor time of everything, agents, coordinator, supervisor and model, start and end included",
		ours: w.cpu.show("%.2f", "s"), bare: w.bareCPU.show("%.2f", "s"), ratio: over(w.cpu, w.bareCPU),
	})
}
