package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/sandtable/sandtable/coordinator"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
	star "github.com/sandtable/sandtable/sim/starlark"
)

// speed is how often a count went up in a second of wall time with all processors, and in
// a second of processor time: the second is the same on a busy machine, or nearly.
type speed struct{ wall, cpu float64 }

// rate does something on every processor for a while.
func (b *bench) rate(f func() (moves int, err error)) (speed, error) {
	long := time.Duration(b.pick(1500, 300)) * time.Millisecond
	var moves atomic.Int64
	begun, used := time.Now(), ownCPU()
	err := each(runtime.GOMAXPROCS(0), func(int) error {
		for time.Since(begun) < long && b.ctx.Err() == nil {
			n, err := f()
			if err != nil {
				return err
			}
			moves.Add(int64(n))
		}
		return context.Cause(b.ctx)
	})
	n := float64(moves.Load())
	return speed{n / time.Since(begun).Seconds(), n / (ownCPU() - used).Seconds()}, err
}

// engine measures moves a second in memory, history off.
func (b *bench) engine() error {
	script, err := star.LoadScript(source(strategyText), "s.star")
	if err != nil {
		return err
	}
	plain, err := starlark.ExecFileOptions(&syntax.FileOptions{}, &starlark.Thread{}, "s.star", plainText, nil)
	if err != nil {
		return err
	}
	act := plain["act"]
	if err := b.moves("Go", 1e6, "PettingZoo RPS without rules 0.82–0.88 M agent-steps/s; Axelrod 4.13 0.102 M moves/s",
		func() (int, error) { return movesOf(b.ctx, game(nil)) }, bareGo); err != nil {
		return err
	}
	if err := b.moves("Starlark", 2e5, "Axelrod 4.13 102 k moves/s",
		func() (int, error) { return movesOf(b.ctx, game(script)) }, func() (int, error) { return bareStarlark(act) }); err != nil {
		return err
	}
	return b.tournament()
}

// source is a folder with one file.
type source string

func (s source) ReadFile(string) ([]byte, error) { return []byte(s), nil }

func movesOf(ctx context.Context, c *sim.Config) (int, error) {
	res, err := sim.Play(ctx, c)
	if err != nil {
		return 0, err
	}
	return res.Moves, nil
}

func (b *bench) moves(language string, target float64, peer string, ours, bare func() (int, error)) error {
	var o, f, cpu sample
	for range b.pick(5, 2) {
		x, err := b.rate(bare)
		if err != nil {
			return err
		}
		y, err := b.rate(ours)
		if err != nil {
			return err
		}
		f, o, cpu = append(f, x.wall/1e6), append(o, y.wall/1e6), append(cpu, y.cpu/1e6)
	}
	b.table.add(row{
		what: fmt.Sprintf("engine in memory, strategies in %s, history off, %d processors", language, runtime.GOMAXPROCS(0)),
		ours: o.show("%.3f", "M moves/s") + fmt.Sprintf("; %.3f M a second of one processor", cpu.median()), bare: f.show("%.2f", "M moves/s") + " (the strategies in a loop)",
		ratio: over(o, f), peer: peer, target: fmt.Sprintf("≥ %.1f M moves/s", target/1e6), met: atLeast(o.median(), target/1e6),
	})
	return nil
}

// tournament plays the shipped one as `run --memory` does: world and strategies in
// Starlark, history hashed.
func (b *bench) tournament() error {
	dir := filepath.Join("scenarios", "library", "ipd-axelrod")
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("%w: run it in the checkout", err)
	}
	set, err := scenarios.ParseSet([]string{"files=false"})
	if err != nil {
		return err
	}
	s, err := scenarios.Load(dir, scenarios.LoadOptions{Sets: set})
	if err != nil {
		return err
	}
	plan, err := s.Expand(scenarios.ExpandOptions{})
	if err != nil {
		return err
	}
	memory := coordinator.NewMemory(plan)
	var o, cpu sample
	for range b.pick(5, 2) {
		x, err := b.rate(func() (int, error) {
			ep, err := memory.Play(b.ctx, plan.Runs[0])
			return ep.Turns * 5 * 4, err // five players, a move in each of four matches
		})
		if err != nil {
			return err
		}
		o, cpu = append(o, x.wall/1e3), append(cpu, x.cpu/1e3)
	}
	b.table.add(row{
		what: "shipped tournament ipd-axelrod in memory: world and strategies in Starlark, history hashed", ours: o.show("%.0f", "k moves/s") + fmt.Sprintf("; %.0f k a second of one processor", cpu.median()),
		peer: "Axelrod 4.13 102 k moves/s",
	})
	return nil
}
