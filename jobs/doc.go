// Package jobs plays a batch: all runs of a plan, here, so many at a time.
//
// How it works:
//
//  1. [Play] makes a run directory for each run of the plan, in the plan's order, and
//     hands it to a [Placer], which plays it and leaves what there is to know in it.
//  2. It admits the next run while fewer than [Options.Parallel] are being played and the
//     batch's limits have room: of money and tokens for what is spent and what the runs
//     in flight may still spend. A run gets no more time than the batch has left, and is
//     truncated then. What is not admitted is missing from the batch, and counted as such.
//  3. What a run needs no more is removed as the scenario's `keep` says; history, ledger
//     and run.json always stay, for every figure is computed from them; so does all of a
//     run that was interrupted, for whoever resumes it.
//  4. [Expectations] joins the scenario's expectations to the statistics of the results.
//
// Play owns one goroutine a run and returns when all have ended. The package knows no
// agent, no process and no engine: the local placer comes from the command line.
//
// It does not promise to finish a batch that was interrupted: that is resume's.
package jobs
