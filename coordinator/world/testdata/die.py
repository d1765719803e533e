"""A world that draws: a die a turn, from the key that it is given."""

import hashlib
import json
import sys

print(json.dumps({"type": "log", "text": "started"}), flush=True)
for line in sys.stdin:
    m = json.loads(line)
    reply = {"type": "result", "id": m["id"], "value": None, "unknown": [1]}
    if m["call"] == "setup":
        reply["value"] = {"dice": []}
    elif m["call"] == "resolve":
        digest = hashlib.sha256(bytes.fromhex(m["ctx"]["random"]) + b"die").digest()
        die = 1 + digest[0] % 6
        reply["value"] = {"dice": m["state"]["dice"] + [die], "tree": m["ctx"].get("tree", "")}
        reply["draws"] = [{"name": "die", "value": die}]
    print(json.dumps({"type": "progress", "of": 3}), flush=True)
    print(json.dumps(reply), flush=True)
