// Package bind turns one run of a scenario into what the turn engine plays.
//
// How it works:
//
//  1. [Build] makes the seats of the run's cell: roles are dealt by the stream `roles`,
//     every player's fields are evaluated for its seat, picks come from the stream
//     `population`. Draws made here stand in [sim.Config.Draws].
//  2. Phases, events, stop, metrics and outcomes become functions: each evaluates its
//     expression with exactly the names that the format's table offers there.
//  3. [Game.Config] is complete but for actors, files and observer, which belong to
//     whoever plays the run.
//
// Functions made here may be called from the run's goroutine and, for prompts and
// defaults, from the actors' too: they share nothing that changes.
//
// The package starts no goroutine and touches no file but by [Deps].
package bind
