package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sandtable/sandtable/coordinator"
	"github.com/sandtable/sandtable/coordinator/gateway"
	"github.com/sandtable/sandtable/jobs"
	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/scenarios"
)

// runFlags are the options of run.
type runFlags struct {
	replicates int
	seed       uint64
	sets       []string
	upstream   string
	out        string
	parallel   int
	acts       int
	memory     bool
	keep       int
	sandbox    string
	claude     string
	anyClaude  bool
	prices     string
	json       bool
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run SCENARIO...",
		Short: "Play a scenario: every run of its cells",
		Args:  cobra.MinimumNArgs(1),
	}
	c.RunE = func(c *cobra.Command, args []string) error { return a.runAll(c, &f, args) }
	fl := c.Flags()
	fl.IntVar(&f.replicates, "replicates", 0, "runs of each cell, instead of the scenario's `n`")
	fl.Uint64Var(&f.seed, "seed", 0, "seed, instead of the scenario's")
	fl.StringArrayVar(&f.sets, "set", nil, setUsage)
	fl.StringVar(&f.upstream, "upstream", "", "where model requests go, instead of the scenario's: scripted, or scripted:`FILE`.star")
	fl.StringVar(&f.out, "out", "runs", "`folder` for batch directories")
	fl.IntVar(&f.parallel, "parallel", 0, "runs at a time; 0: the scenario's, else as the machine allows")
	fl.IntVar(&f.acts, "acts", 0, "acts at a time in one run; 0: all of a stage")
	fl.BoolVar(&f.memory, "memory", false, "play scripted agents in memory: no processes, one line a run")
	fl.IntVar(&f.keep, "keep", 0, "with --memory: play the first `n` runs of each cell with full run directories")
	fl.StringVar(&f.sandbox, "sandbox", "", "`folder` for the sandboxes; default: the temporary directory")
	fl.StringVar(&f.claude, "claude", "", "`path` of the Claude Code CLI")
	fl.BoolVar(&f.anyClaude, "any-claude", false, "take another version of it than the pinned one")
	fl.StringVar(&f.prices, "prices", "", "`file` with prices, laid over the program's own")
	fl.BoolVar(&f.json, "json", false, "print summary.json instead of a table, and no progress")
	return c
}

const setUsage = "set a parameter (`NAME=YAML`) or a field of the file (a.b=YAML); may be repeated"

// check refuses what would otherwise be taken for "not given".
func (f *runFlags) check() error {
	for name, n := range map[string]int{"parallel": f.parallel, "acts": f.acts, "keep": f.keep} {
		if n < 0 {
			return fmt.Errorf("--%s %d: want 0 or more", name, n)
		}
	}
	if f.keep > 0 && !f.memory {
		return errors.New("--keep is for --memory: without it every run is kept")
	}
	return nil
}

// runAll loads everything before anything runs, then plays one scenario after another;
// the worst exit code counts.
func (a *app) runAll(c *cobra.Command, f *runFlags, args []string) error {
	if err := f.check(); err != nil {
		return usageError{err}
	}
	batches := make([]*batch, len(args))
	for i, path := range args {
		b, err := a.prepare(c, f, path)
		if err != nil {
			return err
		}
		batches[i] = b
	}
	var codes []int
	for _, b := range batches {
		code, err := b.play(c.Context())
		if err != nil {
			return err
		}
		codes = append(codes, code)
		if c.Context().Err() != nil { // an empty batch of what was not begun would be of no use
			break
		}
	}
	if code := worstCode(codes); code != 0 {
		return quiet{code}
	}
	return nil
}

// worstCode: 3 before 1 before 4 before 0. A code that is none of them is never 0.
func worstCode(codes []int) int {
	for _, code := range []int{results.ExitHarness, results.ExitFailed, results.ExitInconclusive} {
		if slices.Contains(codes, code) {
			return code
		}
	}
	return slices.Max(codes)
}

// batch is one scenario ready to be played.
type batch struct {
	app      *app
	flags    *runFlags
	path     string
	plan     *scenarios.Plan
	claude   string
	versions map[string]string
	prices   *gateway.Prices
}

func (a *app) prepare(c *cobra.Command, f *runFlags, path string) (*batch, error) {
	b := &batch{app: a, flags: f, path: path, versions: map[string]string{"sandtable": versionOf(buildInfo())}}
	parsed, err := scenarios.ParseSet(f.sets)
	if err != nil {
		return nil, usageError{err}
	}
	s, err := load(path, parsed)
	if err != nil {
		return nil, err
	}
	if f.upstream != "" {
		if s.Upstream, err = upstream(f.upstream, s.Files); err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", path, err)}
		}
	}
	var o scenarios.ExpandOptions
	if c.Flags().Changed("replicates") {
		o.Replicates = &f.replicates
	}
	if c.Flags().Changed("seed") {
		o.Seed = &f.seed
	}
	if b.plan, err = s.Expand(o); err != nil {
		return nil, usageError{err}
	}
	if f.prices != "" {
		if b.prices, err = gateway.LoadPrices(f.prices); err != nil {
			return nil, usageError{err}
		}
	}
	return b, b.surroundings(c.Context())
}

// upstream reads --upstream, which takes the place of the scenario's own.
func upstream(v string, files *scenarios.Files) (*scenarios.Upstream, error) {
	kind, script, hasScript := strings.Cut(v, ":")
	switch {
	case kind != "scripted":
		return nil, fmt.Errorf("--upstream %q is not available yet: want scripted or scripted:FILE.star", v)
	case hasScript && !files.Has(script):
		return nil, fmt.Errorf("--upstream %q: the scenario's folder has no file %q", v, script)
	}
	return &scenarios.Upstream{Script: script}, nil
}

// surroundings finds what the plan needs of this machine before anything runs.
func (b *batch) surroundings(ctx context.Context) error {
	needs, err := coordinator.Needs(b.plan)
	if err != nil {
		return usageError{err}
	}
	if b.flags.memory && len(needs.Processes) > 0 {
		return usageError{fmt.Errorf("%s: --memory plays scripted agents only; these are processes: %s", b.path, strings.Join(needs.Processes, ", "))}
	}
	if err := needs.Missing(); err != nil {
		return fmt.Errorf("%s: %w", b.path, err)
	}
	if !needs.Claude {
		return nil
	}
	path, found, err := coordinator.FindClaude(ctx, b.flags.claude, b.flags.anyClaude)
	if err != nil {
		return err
	}
	b.claude, b.versions["claude"] = path, found
	return nil
}

// play plays the batch and prints what came of it.
func (b *batch) play(ctx context.Context) (int, error) {
	now := time.Now().UTC()
	out, err := results.CreateBatch(b.flags.out, b.plan.Scenario.Name, now)
	if err != nil {
		return 0, err
	}
	if err := out.WriteInfo(b.info(now)); err != nil {
		return 0, err
	}
	b.announce(out.Dir)
	show := b.progress()
	err = b.runs(ctx, out, show)
	show.close()
	summary, sumErr := b.summarise(ctx, out)
	if err := errors.Join(ignoreInterrupt(ctx, err), sumErr); err != nil {
		return 0, err
	}
	if err := b.app.show(summary, b.flags.json); err != nil {
		return 0, err
	}
	if !b.flags.json {
		if _, err := fmt.Fprintf(b.app.stdout, "\n%s\n", filepath.Clean(out.Dir)); err != nil {
			return 0, err
		}
	}
	return results.ExitCode(summary.Verdict, summary.HarnessFailed(), 0), nil
}

func ignoreInterrupt(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil
	}
	return err
}

// announce says where the results will be, and a seed that was drawn, before anything
// is drawn from it (D1).
func (b *batch) announce(dir string) {
	if b.plan.SeedDrawn {
		fmt.Fprintf(b.app.stderr, "seed %d (drawn; --seed %d plays the same again)\n", b.plan.Seed, b.plan.Seed)
	}
	b.app.log().Info("playing", "scenario", b.plan.Scenario.Name, "runs", len(b.plan.Runs), "batch", dir)
}

func (b *batch) summarise(ctx context.Context, out *results.Batch) (*results.Summary, error) {
	res, err := results.ReadBatch(out.Dir)
	if err != nil {
		return nil, err
	}
	s, err := results.Summarise(res, results.Options{
		Expect: jobs.Expectations(b.plan.Scenario), Interrupted: ctx.Err() != nil,
	})
	if err != nil {
		return nil, err
	}
	return s, out.WriteSummary(s)
}

// runs plays in memory or with processes.
func (b *batch) runs(ctx context.Context, out *results.Batch, show *progress) error {
	if b.flags.memory {
		return b.inMemory(ctx, out, show)
	}
	return jobs.Play(ctx, jobs.Options{
		Plan: b.plan, Batch: out, Parallel: b.parallel(), Versions: b.versions, Place: b.place(show), Done: show.done,
	})
}

// parallel: Claude Code processes compete for the machine, so runs with any are played one
// after another unless somebody says otherwise.
func (b *batch) parallel() int {
	switch {
	case b.flags.parallel > 0:
		return b.flags.parallel
	case b.plan.Scenario.Batch.Parallel > 0:
		return b.plan.Scenario.Batch.Parallel
	case b.claude == "":
		return runtime.GOMAXPROCS(0)
	}
	return 1
}

// place is the local placer: it plays a run in this process.
func (b *batch) place(show *progress) jobs.Placer {
	return func(ctx context.Context, run *scenarios.Run, dir *results.Run, info results.RunInfo) (jobs.Spent, error) {
		spent, err := coordinator.Run(ctx, coordinator.Options{
			Run: run, Dir: dir, Info: info, Sandbox: b.flags.sandbox, Claude: b.claude, Prices: b.prices,
			Acts: b.flags.acts, Log: b.app.log(), Watch: show.watch,
		})
		return jobs.Spent{Tokens: spent.Tokens, NanoUSD: spent.NanoUSD}, err
	}
}
