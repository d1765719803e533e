// Package results keeps what runs leave behind and says what it comes to: batch and run
// directories, the rows of their logs, and the summary.
//
// How it works:
//
//  1. [CreateBatch] makes a batch directory that nobody else has, [Batch.CreateRun] a
//     run directory in it, and [Run] opens the run's logs for writing. Files that are
//     replaced as a whole (batch.json, cell.json, run.json, summary.json) are written
//     to a temporary name and renamed.
//  2. A run is born with status interrupted: killed at any moment, what stands in its
//     directory is true.
//  3. [ReadRun] folds a run's history and ledger into a [RunResult] with [Tally];
//     [ReadBatch] does so for every run of a batch. No total is ever stored and
//     believed: each is recomputed from the records. What is torn, damaged or missing
//     is counted as such and named, and does not hide the rest.
//  4. [Summarise] turns a batch into a [Summary], the contract of summary.json, whose
//     schema is [SummarySchema]. Expectations are judged by functions that the caller
//     passes in, cell by cell; [Combine] and [ExitCode] say what verdicts come to.
//
// Runs that do not count (void, censored by a limit, failed by the harness,
// interrupted, unreadable, missing) enter no statistic of outcomes and are always
// counted beside it. What they cost is in every total.
//
// A [Batch] and a [Run] hold no open files and no state that changes; the writers that
// a Run opens belong to their callers. The package starts no goroutine and reads no
// clock.
package results
