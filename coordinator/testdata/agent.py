"""An agent program for tests. Its first argument says how it behaves."""

import json
import os
import sys
import time
import urllib.error
import urllib.request

MODE = sys.argv[1]


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def good(m):
    say({"type": "move", "id": m["id"], "action": {"n": m["turn"]}, "say": "%s in %d" % (m["phase"], m["turn"])})


def mute(m):
    while True:
        time.sleep(60)


def garbage(m):
    sys.stdout.write("this is no JSON\n")
    sys.stdout.flush()


def dies(m):
    sys.stderr.write("last words\n")
    sys.exit(7)


def flood(m):
    line = b'{"type":"log","text":"' + b"x" * 500_000 + b'"}\n'
    for _ in range(200):
        sys.stdout.buffer.write(line)
    sys.stdout.flush()


def longline(m):
    for _ in range(100):
        sys.stdout.buffer.write(b"x" * (1 << 20))
    sys.stdout.buffer.write(b"\n")
    sys.stdout.flush()


def writer(m):
    with open("plan.md", "a") as f:
        f.write("turn %d\n" % m["turn"])
    time.sleep(0.3)
    good(m)


def spend(m):
    body = {"model": os.environ.get("MODEL", "claude-opus-5-5"), "max_tokens": 100,
            "messages": [{"role": "user", "content": m["prompt"]}]}
    request = urllib.request.Request(
        os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages", json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["ANTHROPIC_AUTH_TOKEN"]})
    try:
        urllib.request.urlopen(request).read()
    except urllib.error.HTTPError as e:
        sys.stderr.write("%d %s\n" % (e.code, e.read()))
    good(m)


def slow(m):
    """Dies in turn 1; takes longer to get ready than an act may take."""
    if m["turn"] == 1:
        dies(m)
    good(m)


def half(m):
    """Dies in its first attempt, and hands in an action that is none in its second."""
    if not os.path.exists(os.environ["TMPDIR"] + "/died"):
        open(os.environ["TMPDIR"] + "/died", "w").close()
        open("half.txt", "w").close()
        dies(m)
    if os.path.exists("second.txt"):
        return good(m)
    open("second.txt", "w").close()
    say({"type": "move", "id": m["id"], "action": {"n": "none"}})


def thinks(m):
    time.sleep(3)
    good(m)


def late(m):
    """Leaves turn 1 unanswered until it is cancelled."""
    if m["turn"] > 1:
        good(m)


def cancelled(m):
    if MODE == "late":
        with open("late.txt", "w") as f:
            f.write("late")
        say({"type": "move", "id": m["id"], "action": {"n": 1000}})


def main():
    if MODE == "exits":
        sys.exit(3)
    for line in sys.stdin:
        m = json.loads(line)
        kind = m["type"]
        if kind == "hello":
            if MODE == "slow":
                time.sleep(1.5)
            say({"type": "ready"})
        elif kind == "turn":
            globals()[MODE](m)
        elif kind == "error" and "next_id" in m:
            globals()[MODE](dict(m, id=m["next_id"], turn=1, phase="work"))
        elif kind == "cancel":
            cancelled(m)
        elif kind == "end":
            return


main()
