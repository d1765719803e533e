package coordinator

import (
	"testing"
)

// filed is a program that plays by a file: a legal action, none at all, one that is no
// JSON, and one that is against the schema.
const filed = `
-- scenario.yaml --
sandtable: 1
name: filed
seed: 3
agents: [{name: p, runtime: program, command: [sh, p.sh], limits: {act: 20s}}]
turns:
  max: 4
  phases: [{name: build, via: {file: private/p/move.json}, action: {n: {type: integer, maximum: 9}}}]
failures: {illegal: pass}
-- p.sh --
n=0
while read -r line; do
  case "$line" in
  *'"type":"hello"'*) echo '{"type":"ready"}' ;;
  *'"type":"turn"'*)
    n=$((n+1)); id=$(printf %s "$line" | sed 's/.*"id":"\([0-9.]*\)".*/\1/')
    mkdir -p private/p
    case $n in
    1) echo '{"n": 7}' > private/p/move.json ;;
    2) rm private/p/move.json ;;
    3) echo 'seven' > private/p/move.json ;;
    4) echo '{"n": 70}' > private/p/move.json ;;
    esac
    echo '{"type":"move","id":"'$id'"}' ;;
  *'"type":"end"'*) exit 0 ;;
  esac
done
`

// A phase whose action is a file is one for programs too.
func TestProgramActsByFile(t *testing.T) {
	t.Parallel()
	p := completed(t, folderOf(t, filed), setup{})
	checkFailures(t, p, "p 3.1.1 UNPARSABLE", "p 4.1.1 ILLEGAL")
	if got := marshal(t, p.result(t, 1, "p").Action); got != `{"n":7}` {
		t.Errorf("turn 1: the action is %s", got)
	}
	if got := p.result(t, 2, "p").Status; got != "passed" {
		t.Errorf("turn 2, without a file: %s", got)
	}
}
