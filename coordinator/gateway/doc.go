// Package gateway is the model API that every agent process of a run talks to: an HTTP
// server on loopback that speaks the Anthropic Messages API, streaming included, and
// books every response to the agent and the turn that caused it.
//
// How it works:
//
//  1. [New] binds a loopback port, and a Unix socket if one is asked for; [Gateway.Serve]
//     starts answering. [Gateway.Register] gives an agent a random key and a base URL
//     with the agent's name in its path. A request counts only if key and path agree.
//  2. The coordinator says with [Gateway.SetTurn] what an agent works on. A request
//     belongs to what was set when it arrived, however long it takes.
//  3. A request is read whole, within a bound, and checked ([Request]); unknown fields,
//     block types, roles, headers and betas are let through. Each account remembers what
//     its last requests were made of, within a bound: a conversation comes again with
//     every request, and only what is new in it is read.
//  4. An [Upstream] answers it. A meter stands between upstream and client, reads the
//     usage out of the bytes that pass, and never changes one.
//  5. Before the last event of a response is passed on, its [Row] is in the ledger: a
//     client that has seen the end of a response is never ahead of the books. A response
//     that breaks off is booked with what had been reported until then.
//  6. One goroutine owns the ledger: it drops a message id that it has seen, prices the
//     row ([Prices]), numbers it, adds it up and hands it to the sink.
//
// [Scripted] is the upstream without a model: a Starlark function, or built-in replies.
// It keeps its own [Tally] of what it meant to answer, apart from the meter, so that a
// test can hold one against the other.
//
// Goroutines: one for each listener, one for the ledger, and net/http's own for each
// connection. [Gateway.Close] cancels what is in flight and returns when all of them have
// ended. The gateway and the scripted upstream may be used from any goroutine.
//
// It does not promise that a client got what was booked: tokens that the upstream
// reported cost money even if the client had gone. It does not limit money or rates, and
// it does not hide one agent's key from another one of the same user.
package gateway
