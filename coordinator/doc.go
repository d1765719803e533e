// Package coordinator plays one run inside its sandbox: the turn engine, the agents'
// processes, the shared workspace, the model gateway and the logs, put together.
//
// How it works:
//
//  1. [Run] opens the run directory and the sandbox, fills revision 0 of the workspace,
//     and binds the scenario to the engine.
//  2. Every seat gets an actor: a Starlark function in process, or a process with a
//     view, a home and a temporary directory of its own, started under the run's
//     supervisor. All are up before turn 1.
//  3. The engine asks; the actor brings the view up to the revision it is asked about,
//     thaws the process, or starts it again if it has ended, hands the turn over and
//     starts the clock; when the move is in, or the time is up, it freezes the process
//     and scans the view. What it finds is the write set.
//  4. The engine decides; its records become history lines, conversations are copied at
//     each seal, and each revision is published to the head on disk before anybody is
//     asked again.
//  5. When the run is over, every process is ended and looked for, what a view holds that
//     no stage has sealed is journaled, the final head is copied into the run directory,
//     and the run's status is written last.
//
// [Memory] plays runs of scripted agents with the same binding, engine and records, and
// without processes, views or run directories.
//
// Goroutines: the engine runs on Run's own; actors of a stage on theirs; the
// supervisor, gateway and MCP server own what they start and end it in Close. Nothing
// is left running when Run returns, and a process that is left is an error.
//
// What is not promised here: tiers above T0, live mode, resuming a killed run.
package coordinator
