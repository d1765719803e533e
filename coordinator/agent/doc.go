// Package agent holds what every kind of agent process shares: the [Desk] on which a
// seat's tool calls land while its turn is open, and the rules that turn them into the
// engine's answer.
//
// How an attempt passes over the desk:
//
//  1. The driver opens the desk for one [sim.Ask].
//  2. While it is open, tool calls reach it from any goroutine: act, pass, send, inbox.
//     Each is judged at once against the revision that the agent was shown; a refusal
//     goes back to the agent as a tool error and costs no attempt.
//  3. A model may call several tools in one message. Their order is the order of the
//     message's tool blocks, which the driver announces with [Desk.Block] as it reads
//     them; which call happens to arrive first decides nothing.
//  4. The driver closes the desk and gets a [Hand]: the last legal action, the mail in
//     order, and the last refusal. [Hand.Answer] makes the engine's answer of it.
//  5. A call outside an open attempt is refused, noted as stale, and changes nothing
//     (rule T8 of the turn reference).
//
// Desk is safe for concurrent use and starts no goroutine. It copies what it is given
// and what it gives away.
//
// It does not promise that a call is answered in time: judging asks the world, and the
// world has a deadline of its own.
package agent
