"""The rules of fishery.star as a world program."""

import json
import sys

LOOKS = {}


def setup(m, ctx, effects):
    p = ctx["params"]
    effects.append({"write": {"path": "lake.json", "text": '{"month":0,"stock":%d}\n' % p["capacity"]}})
    effects.append({"mail": {"to": "all", "text": "the lake is open"}})
    return {"stock": p["capacity"], "taken": {a["name"]: 0 for a in ctx["agents"]}, "months": 0}


def resolve(m, ctx, effects):
    state, p = m["state"], ctx["params"]
    for move in m["moves"]:
        name = move["agent"]
        want = move["action"]["want"] if move["action"] else 0
        got = min(want, state["stock"])
        state["stock"] -= got
        state["taken"][name] += got
        text = '{"month":%d,"catch":%d}\n' % (ctx["turn"], got)
        effects.append({"write": {"path": "private/%s/catch.json" % name, "text": text}})
        if want > p["greed"]:
            effects.append({"eliminate": {"name": name, "reason": "greed"}})
            effects.append({"mail": {"to": [a for a in ctx["live"] if a != name], "text": name + " was caught"}})
    state["months"] += 1
    state["half"] = state["stock"] / 2  # 10.0 is written; a history gives 10 back
    state["stock"] = min(p["capacity"], 2 * state["stock"])
    effects.append({"append": {"path": "log.txt", "text": "%d\n" % state["stock"]}})
    if ctx["turn"] == 2:
        effects.append({"remove": {"path": "private/a/catch.json"}})
    return state


def observe(m, ctx, effects):
    agent = m["agent"]
    return {"stock": m["state"]["stock"], "mine": m["state"]["taken"][agent["name"]], "seat": agent["seat"]}


def actions(m, ctx, effects):
    return {"want": {"type": "integer", "minimum": 0}}


def check(m, ctx, effects):
    want, stock = m["action"]["want"], m["state"]["stock"]
    return "want: %d is above %d" % (want, stock) if want > stock else None


def done(m, ctx, effects):
    return "collapse" if m["state"]["stock"] < 5 else None


def score(m, ctx, effects):
    return m["state"]["taken"]


CALLS = {f.__name__: f for f in (setup, resolve, observe, actions, check, done, score)}

for line in sys.stdin:
    message = json.loads(line)
    effects = []
    value = CALLS[message["call"]](message, message["ctx"], effects)
    reply = {"type": "result", "id": message["id"], "value": value}
    if effects:
        reply["effects"] = effects
    print(json.dumps(reply), flush=True)
