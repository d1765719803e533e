// Package sim is the turn engine: it decides who sees what, who acts when, and whose
// effects count.
//
// How it works:
//
//  1. A [Config] names the seats, the world, the phases and the actors; [Play] plays
//     one run of it.
//  2. A turn passes through its phases; a phase splits its live members into an
//     ordered list of stages, fixed before its first stage opens.
//  3. Members of a stage all get the same revision R(i-1), filtered by what each may
//     see, and act at the same time. What they do is buffered.
//  4. When every member is done or has failed, the stage is sealed. Failure policies
//     fill in what is missing; write sets and moves are applied in a canonical order
//     that was drawn before the stage opened and never depends on who came first.
//  5. The world resolves, chance is logged, mail is numbered, and R(i) appears at once.
//  6. Everything that decides the outcome is told to an [Observer] as events, in an
//     order that is the same for the same inputs.
//
// The example of [Play] is a whole game in 60 lines. Values that agents and worlds hand
// in are judged where they come in: JSON values in the types nil, bool, int64, float64,
// string, []any and map[string]any. What an agent does wrong costs its own move; what an
// actor or a world does wrong, a panic of an actor included, is an error of Play.
//
// The rules carry ids (T1 to T8 turns, D streams, E ends, F failures, C time, V
// visibility, H chance, P interventions); comments name them where they are decided.
//
// One goroutine, the caller of [Play], owns a run's state. Actors of a stage run on
// goroutines of their own unless [Config.Serial] is set; they get values and return
// values, and Play returns only after all of them have returned.
//
// The package is pure: it starts no process, touches no file, reads no clock and has
// no random source but the named streams of [Streams]. It does not promise anything
// about what actors do outside their answer, and it cannot stop an actor that ignores
// its context: limits in time are enforced by whoever implements the actor.
package sim
