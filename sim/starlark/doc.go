// Package star runs worlds and scripted agents that are written in Starlark, on
// go.starlark.net. It is imported by that name, so that the interpreter's own package
// can keep the name starlark.
//
// How it works:
//
//  1. [LoadWorld] and [LoadScript] compile a file of the scenario folder and what it
//     loads, run the top level once, freeze the result, and look up the functions.
//     A function may leave out its last parameter (a world's ctx, any of an agent's).
//  2. A [World] keeps its state as a [State]: a frozen dict of JSON values whose keys
//     are sorted. resolve gets a copy that it may change; what it returns, or leaves
//     behind, is copied again: sorted, with nothing shared between its parts and whole
//     floats as ints, exactly as if it had been written to a file and read back. Keys
//     that resolve adds come last until then, and in their place from then on.
//  3. A seat's [NewActor] calls `act` with what it is asked. What the script does not
//     look at is not computed. Writes, mail and words are collected and become the
//     answer; `ctx.memory` is carried over as a JSON value.
//  4. Every call has a limit in interpreter steps ([MaxSteps] unless [WithSteps] says
//     otherwise), which unlike one in seconds is the same on every machine.
//  5. A failing world is the harness's failure, an [*EvalError] with file, line and
//     call stack. A failing script is its agent's: CRASH, and ILLEGAL for a path
//     outside the workspace.
//
// The dialect is the library's default with sets: no recursion, no while, no
// reassignment of globals, no statements but definitions, assignments and calls at the
// top level. There is no clock and no generator but the logged dice of ctx.random.
//
// A World or [Script] may be used by many goroutines at a time: its values are frozen
// and each call has an interpreter thread of its own. An actor plays one seat of one
// run, one act after the other. The package starts no goroutines.
//
// It does not promise to bound memory: steps are limited, the size of what one step
// makes is not. Scripts belong to the scenario and are trusted as far as it is. A
// script's act limit in time is not enforced by a clock; it has its steps.
package star
