// Package mcp is the MCP server "sandtable": the tools by which an agent process acts,
// passes, writes mail and looks at its own view.
//
// How it works:
//
//  1. [NewServer] makes one server per agent over small interfaces: the [Desk] that
//     collects what the agent submits, the [Files] of its view, its [Workspace]. Every
//     tool's input schema is constant: a schema that changed with the stage would break
//     the model's prompt cache. What a stage wants is in its prompt, and is enforced
//     here, at the call.
//  2. A refusal is a tool result with isError, so that the model reads the reason and
//     goes on. A protocol error is only for calls that are not understood at all.
//  3. [Bridge] carries the protocol over a channel that somebody else owns, one message
//     at a time: the claude driver feeds it what comes over the control protocol.
//  4. [HTTP] serves the same servers as streamable HTTP on loopback, a path and a
//     bearer token for each agent, for programs.
//
// A Bridge owns the goroutines of its server session and ends them in Close; HTTP owns
// its listener and its connections, and ends them in Close.
//
// No tool is marked as read only, except those that are: clients run read-only tools in
// parallel, and calls whose order matters must not be.
//
// The package does not promise privacy beyond its tokens: a process that can read
// another one's environment can act in its name.
package mcp
