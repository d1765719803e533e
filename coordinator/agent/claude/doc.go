// Package claude drives the Claude Code command line client the way the Agent SDKs do:
// one process per agent, kept for the whole run, spoken to in JSON lines both ways.
//
// How it works:
//
//  1. [Finder] finds the pinned version of the client; [Seed] writes an agent's
//     configuration directory. [Argv] and [Env] are the exact command line and the
//     exact environment: nothing is inherited, nothing of the view is loaded as
//     configuration.
//  2. [Agent.Start] starts the process, registers hooks and the MCP server "sandtable"
//     over the control channel, and waits until every MCP server is connected. An agent
//     with one that is not fails here, before its first turn.
//  3. [Agent.Act] sends one message and reads frames until that message's result.
//     Meanwhile the client asks back: before every tool (the hook, which is the gate),
//     for permission where its own rules want it (the second lock, which asks the same
//     rules again), and for the tools of our MCP server. Each request is answered on a
//     goroutine of its own; frames are read in order by one.
//  4. When the act's context ends, the turn is interrupted; a process that has not
//     answered a second later is killed, with all its children.
//  5. A process that ended is started again at its next act, with its session resumed.
//     If the session's file is gone it starts a new session; who it is, it is told
//     with every start.
//
// Bounds, so that a hostile process costs only its own move: a line is at most
// [MaxLine], one act's output at most [MaxOutput] and [MaxGarbage] lines that are not
// JSON. Beyond any of these the process is killed and the attempt fails. 64 requests of
// the client may be open; with more it is not read on. Every wait ends with its context.
//
// A session owns five kinds of goroutine: the reader, the writer, the drain of stderr,
// the watch for the end of the process, one for each open request of the client. They end
// when the session is closed, and closing waits for them.
//
// What it does not promise: that the client keeps to the view. Its file tools are
// checked against the view by path, and a path can change between check and use; Bash
// is not predicted at all. What binds are users, file modes and the workspace's tiers.
// Money is not read from the client either: its own figures go to the trace, the
// gateway's ledger counts.
package claude
