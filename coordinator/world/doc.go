// Package world runs a world that is a program of its own: the rules of a game in any
// language, asked over standard input and output.
//
// How it works:
//
//  1. [Open] starts one process through the [Spawn] that it is given and keeps it for
//     the whole run. [World] implements sim.World; calls are serialised.
//  2. A call is one line of JSON on the program's standard input, the answer one line
//     on its standard output. Ids are matched: an answer to another id is a fault.
//  3. The program keeps nothing between calls. The state is held here and goes with
//     every call, so that replaying and forking a run need no memory of it.
//  4. What the program wants done (files, mail, eliminations) and what it drew come
//     back with the result of setup and resolve and are applied through
//     sim.ResolveCtx, in the order given, draws first.
//  5. A call that takes too long, a line that is no answer, a process that ends: each
//     is an [*Error], the process is killed, and every later call fails with the same
//     error. A world's failure is the harness's, so there is no second try.
//
// # Calls
//
// Every call carries an id and the world's ctx:
//
//	{"type":"call","id":1,"call":"resolve","state":{…},"moves":[…],"ctx":{…}}
//
// The calls are setup (ctx), resolve (state, moves, ctx), observe and actions (state,
// agent, ctx), check (state, agent, action, ctx), done and score (state, ctx). They
// mean what they mean in a Starlark world. ctx holds params, turn, phase, lap, stage,
// agents (name, entry, role, player, index, seat, live, vars), live (names) and tree:
// the path of a directory where the head can be read, left out if there is none. In
// setup and resolve it also holds random, 64 hexadecimal digits: the key of the world's
// stream "program" in this stage, the only source that a world may draw from.
//
// # Answers
//
//	{"type":"result","id":1,"value":{…},"effects":[…],"draws":[{"name":"tie","value":2}]}
//	{"type":"error","id":1,"text":"why"}
//	{"type":"log","text":"for the trace"}
//
// value is the state for setup and resolve (null in resolve: unchanged), a dict or a
// text for observe, a schema or null for actions, null or a reason for check, null,
// false or a reason for done, a dict of numbers for score. A program answers null to a
// call that it has no rule for. Effects are {"write":{"path","text"}},
// {"append":{"path","text"}}, {"remove":{"path"}}, {"mail":{"to","text"}} and
// {"eliminate":{"name","reason"}}; like draws they belong to setup and resolve alone.
// Draws are the outcomes of chance that matter, by name, in the order in which they
// were drawn. Messages of other types and unknown fields are ignored.
//
// A whole world in Python:
//
//	import json, random, sys
//
//	for line in sys.stdin:
//	    m = json.loads(line)
//	    reply = {"type": "result", "id": m["id"], "value": None}
//	    if m["call"] == "setup":
//	        reply["value"] = {"pot": 0}
//	    elif m["call"] == "resolve":
//	        lucky = random.Random(m["ctx"]["random"]).randint(1, 6)
//	        pot = m["state"]["pot"] + lucky
//	        reply["value"] = {"pot": pot}
//	        reply["draws"] = [{"name": "die", "value": lucky}]
//	        reply["effects"] = [{"write": {"path": "pot.txt", "text": str(pot)}}]
//	    elif m["call"] == "score":
//	        reply["value"] = {name: m["state"]["pot"] for name in m["ctx"]["live"]}
//	    print(json.dumps(reply), flush=True)
//
// Two goroutines read a process's outputs; [World.Close] and a failure end both. The
// package does not promise anything about what the program does besides answering: it
// runs with the rights that Spawn gives it.
package world
