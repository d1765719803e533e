"""The strategies of the tournament as an agent program: JSON Lines on stdin and stdout.

Each strategy sees one match: its own moves and the opponent's so far, as texts like
"CCD". strategies.star holds the same in Starlark.
"""

import json
import sys

FLIP = {"C": "D", "D": "C"}

STRATEGIES = {
    "Cooperator": lambda mine, theirs: "C",
    "Defector": lambda mine, theirs: "D",
    "TitForTat": lambda mine, theirs: theirs[-1:] or "C",
    "SuspiciousTitForTat": lambda mine, theirs: theirs[-1:] or "D",
    "TitFor2Tats": lambda mine, theirs: "D" if theirs[-2:] == "DD" else "C",
    "HardTitForTat": lambda mine, theirs: "D" if "D" in theirs[-3:] else "C",
    "Grudger": lambda mine, theirs: "D" if "D" in theirs else "C",
    "WinStayLoseShift": lambda mine, theirs: (
        "C" if not mine else mine[-1] if theirs[-1] == "C" else FLIP[mine[-1]]
    ),
    "Alternator": lambda mine, theirs: "D" if len(mine) % 2 else "C",
    "GoByMajority": lambda mine, theirs: "D" if 2 * theirs.count("D") > len(theirs) else "C",
}


def answer(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main():
    strategy, moves = None, {}
    for line in sys.stdin:
        message = json.loads(line)
        kind = message.get("type")
        if kind == "hello":
            strategy = STRATEGIES[message["agent"]["vars"]["strategy"]]
            answer({"type": "ready"})
        elif kind == "turn":
            matches = message["observation"]["matches"]
            moves = {name: strategy(m["mine"], m["theirs"]) for name, m in matches.items()}
            answer({"type": "move", "id": message["id"], "action": moves})
        elif kind == "error":
            sys.stderr.write(message.get("text", "") + "\n")
            if "next_id" in message:  # a fixed strategy has no second idea
                answer({"type": "move", "id": message["next_id"], "action": moves})
        elif kind == "end":
            return


if __name__ == "__main__":
    main()
