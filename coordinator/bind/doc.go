// Package bind turns one run of a scenario into what the turn engine plays.
//
// How it works:
//
//  1. [Build] makes the seats of the run's cell: roles are dealt by the stream `roles`,
//     every player's fields are evaluated for its seat, picks come from the stream
//     `population`. Draws made here stand in [sim.Config.Draws].
//  2. Phases, events, stop, metrics and outcomes become functions: each evaluates its
//     expression with the names that the format's table offers there. The loader has
//     refused all others; a name is given its value only if the expression uses it.
//  3. What is written without expressions is made once and is the same value each time.
//  4. [Game.Config] is complete but for actors, files and observer, which belong to
//     whoever plays the run.
//
// Prompts and default actions may be asked for by the actors' goroutines, several at a
// time: they share nothing that changes. All else is called by the run's goroutine, and
// a [Game] is played once.
//
// The package starts no goroutine and touches no file but by [Deps]. It does not promise
// that an expression which loads has a value: one that fails in a run is an error at its
// place in the file, and ends the run.
package bind
