// Package report shows results to people: a table of a batch, the story of a run, the
// versions of its files, and the progress of a batch at a terminal.
//
// How it works:
//
//  1. [Table] writes a [results.Summary] as tables: what became of the runs, outcomes
//     with their intervals, scores, cost, agents, failures, and every warning.
//  2. [Log] tells a run turn by turn from its history, with times from the trace and
//     tokens from the ledger where there are any.
//  3. [Files] lists every version that a run's files ever had, rejected ones too, and
//     with a path shows what each changed.
//  4. [Progress] keeps one line of a terminal up to date. One goroutine writes it, from
//     [NewProgress] to [Progress.Close], which waits for it.
//
// Whatever agents can choose (names of outcomes, texts, paths, errors) passes through
// [Clean] or [CleanText] before it is written: no control character, no direction
// override and no command of a CI runner reaches the reader's terminal.
//
// There is no colour unless it is asked for. Nothing here decides anything: numbers
// come from package results as they are. Sums of money are never rounded; estimates are,
// to four digits, and summary.json has them whole.
package report
