package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// stage measures what a stage takes over its slowest agent, when every agent thinks for a
// second. How long an agent took is told by the agent itself.
func (b *bench) stage() error {
	const target, think = 1.1, "1s"
	turns := b.pick(5, 3)
	for _, n := range []int{2, 10, 100} {
		var ours, bare sample
		for range b.pick(2, 1) {
			loop, err := b.bareStage(n, turns, think)
			if err != nil {
				return err
			}
			p, err := b.play(b.programScenario(n, 10, turns, "-sleep", think), playing{sync: true})
			if err != nil {
				return err
			}
			said, err := p.slept(turns)
			if err != nil {
				return err
			}
			bare, ours = append(bare, loop...), append(ours, againstSlowest(p.walls(2), said)...)
		}
		r := row{
			what:   fmt.Sprintf("wall of a stage over its slowest agent, %d agents that sleep 1 s (turn to turn, fsync)", n),
			ours:   ours.show("%.3f", "×"),
			bare:   bare.show("%.3f", "×"),
			ratio:  over(ours, bare),
			peer:   "kaggle-environments 2.02, with 2 agents",
			target: fmt.Sprintf("≤ %.1f", target),
			met:    atMost(ours.median(), bare.median(), target, "%.3f"),
		}
		b.table.add(r)
	}
	return nil
}

// bareStage is the same without a harness.
func (b *bench) bareStage(n, turns int, think string) (sample, error) {
	pipes, err := b.openPipes(n, []string{"-sleep", think})
	if err != nil {
		return nil, err
	}
	var walls sample
	for t := 1; t <= turns && err == nil; t++ {
		begun := time.Now()
		if err = turn(pipes, t); t > 1 {
			walls = append(walls, time.Since(begun).Seconds())
		}
	}
	if err = errors.Join(err, closePipes(pipes)); err != nil {
		return nil, err
	}
	said := make([]sample, turns)
	for _, p := range pipes {
		if err := addTurns(said, p.err.String()); err != nil {
			return nil, err
		}
	}
	return againstSlowest(walls, said), nil
}

// slept reads what the agents said of their turns.
func (p *played) slept(turns int) ([]sample, error) {
	files, err := filepath.Glob(filepath.Join(p.dir.Dir, "agents", "*", "stderr"))
	if err != nil {
		return nil, err
	}
	said := make([]sample, turns)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := addTurns(said, string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return said, nil
}

// addTurns adds one agent's turns, a line each, in nanoseconds.
func addTurns(said []sample, text string) error {
	i := 0
	for sc := bufio.NewScanner(strings.NewReader(text)); sc.Scan(); i++ {
		ns, err := strconv.ParseInt(sc.Text(), 10, 64)
		if err != nil {
			return err
		}
		if i == len(said) {
			return errors.New("an agent had more turns than were played")
		}
		said[i] = append(said[i], float64(ns)/1e9)
	}
	if i != len(said) {
		return fmt.Errorf("an agent had %d turns of %d", i, len(said))
	}
	return nil
}

// againstSlowest divides walls, which are those of the turns from the second on, by the
// slowest agent's.
func againstSlowest(walls sample, said []sample) sample {
	var ratios sample
	for i, w := range walls {
		ratios = append(ratios, w/said[i+1].quantile(1))
	}
	return ratios
}
