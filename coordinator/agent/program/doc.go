// Package program drives agents that are programs of any kind, over JSON Lines on their
// standard input and output.
//
// # The protocol, version 1
//
// Every message is one JSON object on one line of at most 1 MiB, in UTF-8. What the
// program prints on stderr is its log. Kinds and fields that are not known are ignored,
// both ways; blank lines too.
//
//	to the program
//	hello   protocol, agent {name, role, vars}, prompt, view, mcp
//	turn    id, turn, phase, lap, stage, attempt, prompt, observation, inbox [{id, sender,
//	        text}], notices, schema, optional, mail, act_ms, random
//	error   id, category, text, next_id: the attempt id failed; answer next_id instead.
//	        Without next_id there is no attempt left
//	cancel  id, reason: the answer is no longer wanted; say so, or exit, within 2 s
//	end     reason, truncated, score: the run is over; exit
//
//	from the program
//	ready   after hello: turns may come. After cancel: back to waiting
//	move    id, action, say, mail [{to, text}]: the answer to a turn. With neither action
//	        nor say it is a pass
//	log     text: for the trace
//
// A program works in its view, a directory of its own; changed files are part of its
// move. act_ms is the time it has, missing if it is not limited. random is the
// hexadecimal key of its own random stream in this turn and stage: who seeds a generator
// with it plays the same again when asked again.
//
// A whole program in Python:
//
//	import json, random, sys
//
//	def send(**message):
//	    print(json.dumps(message), flush=True)
//
//	turn = None
//	for line in sys.stdin:
//	    m = json.loads(line)
//	    if m["type"] == "hello":
//	        send(type="ready")
//	    elif m["type"] == "turn":
//	        turn = m
//	        dice = random.Random(m["random"])
//	        send(type="move", id=m["id"], action={"want": dice.randint(1, 200)})
//	    elif m["type"] == "error" and "next_id" in m:
//	        send(type="log", text=m["text"])
//	        send(type="move", id=m["next_id"], action={"want": 1}, say="sorry")
//	    elif m["type"] == "cancel":
//	        send(type="ready")
//	    elif m["type"] == "end":
//	        break
//
// # How it works
//
//  1. [Driver.Start] spawns the program, says hello and waits for ready. [Driver.Act]
//     does so if nobody did, or if the program is gone.
//  2. Act sends turn, or error if this process knows the attempt before, and waits for
//     the move that carries the open id. Moves for other ids are dropped, and noted as
//     stale in the trace (rule T8 of the turn reference).
//  3. A line that is not a JSON object, or is too long, ends the open attempt as
//     UNPARSABLE; a program that ends, as CRASH, unless it was on its way out since an
//     earlier attempt and has read nothing of this one: then a new one is asked. What the
//     harness cannot do is TRANSPORT. When the context of Act ends, the program gets cancel; if it gives no
//     sign within 2 s, its whole tree is killed, and the attempt is TIMEOUT.
//  4. Output is read all the time and forgotten unless it answers. A program that prints
//     16 MiB, or some 65,000 lines, without answering a turn is killed.
//  5. [Driver.End] says goodbye, [Driver.Close] kills what is left.
//
// Goroutines: two for each running program, one for each of its output streams. They end
// with it; Close waits for them. Act, Start, Fail and End are called by one goroutine at
// a time; Close may be called from any.
//
// Not promised: that an action is legal (the engine judges), or that a program does
// nothing between its turns (the coordinator freezes it).
package program
