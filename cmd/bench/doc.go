// Command bench measures sandtable, each figure beside a peer's and beside the bare floor:
// the same work on the same machine in the same minutes, done by a loop without any
// harness. A target that the floor itself rules out is reported with the floor's number.
//
// How it works:
//
//  1. Each section writes a scenario into a temporary folder and plays it with
//     [coordinator.Run], the code that `sandtable run` plays with. What a section times
//     is told by the run's own signs of life, so that start and goodbye can be left out.
//  2. The bare side starts the same program, with the same command line, environment and
//     scripted model, and speaks just enough of its protocol: no view, no supervisor, no
//     freezing, no log. Both sides are played in turns, so that a noisy neighbour hits both.
//  3. Every figure is the median of its repetitions, with minimum and maximum behind it.
//     The table is printed as text, and as Markdown with -markdown.
//
// The program is its own agent: executed with the argument "agent" it plays a seat over
// JSON Lines, and with "child" it plays the runs whose memory is measured, each in a
// process of its own. Processor time is the coordinator's (getrusage), with the
// supervisor's and its inits' beside it; the agents' own is left out.
//
// The peers' figures are not measured here. They were taken on two processors: promptfoo
// 0.121.20 with its echo provider, kaggle-environments@28b6d8af with its game rps,
// PettingZoo's rock-paper-scissors, Axelrod 4.13 and Claude Code 2.1.197 against a model that
// answers at once; or are published, where a source is named.
//
// It does not promise figures that are comparable between machines: only the ratio to the
// floor of the same run is.
package main
