package star

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

const ipdFolder = "../../scenarios/library/ipd-axelrod"

func folder(dir string) Source { return os.DirFS(dir).(Source) }

// ipd is the shipped scenario as the loader would make it.
func ipd(t testing.TB, world sim.World, script *Script, turns int, files bool, players ...string) *sim.Config {
	t.Helper()
	var names []any
	for _, p := range players {
		names = append(names, p)
	}
	blobs := tree.NewMemory()
	cfg := &sim.Config{
		World: world, MaxTurns: turns, Blobs: blobs, Serial: true, Actors: map[string]sim.Actor{},
		Params: map[string]any{
			"players": names, "turns": int64(turns), "files": files,
			"payoff": map[string]any{"R": int64(3), "S": int64(0), "T": int64(5), "P": int64(1)},
		},
	}
	action := map[string]any{"type": "object", "additionalProperties": map[string]any{"enum": []any{"C", "D"}}}
	cfg.Phases = []sim.Phase{{
		Name: "round", Order: sim.Simultaneous, Canonical: sim.BySeat, Failures: sim.DefaultFailures(),
		Action: func(*sim.AgentScope) (any, error) { return action, nil },
	}}
	for i, p := range players {
		name := fmt.Sprintf("player-%d", i+1)
		seat := &sim.Seat{
			Name: name, Entry: "player", Index: i + 1, Number: i, Focal: true, Vars: map[string]any{"strategy": p},
			Read: tree.Globs{"match/" + name + "--*/**", "match/*--" + name + "/**", "!match/**", "**"},
		}
		cfg.Seats = append(cfg.Seats, seat)
		cfg.Actors[name] = NewActor(script, seat, blobs)
	}
	return cfg
}

func loadIPD(t testing.TB) (*World, *Script) {
	t.Helper()
	w, err := LoadWorld(folder(ipdFolder), "world.star")
	if err != nil {
		t.Fatal(err)
	}
	s, err := LoadScript(folder(ipdFolder), "strategies.star")
	if err != nil {
		t.Fatal(err)
	}
	return w, s
}

func playIPD(t testing.TB, turns int, files bool, players ...string) *sim.Result {
	t.Helper()
	w, s := loadIPD(t)
	res, err := sim.Play(context.Background(), ipd(t, w, s, turns, files, players...))
	if err != nil {
		t.Fatal(err)
	}
	if res.Reason != "max" || !res.Terminated || len(res.Failures) > 0 {
		t.Fatalf("ended by %q, failures %v", res.Reason, res.Failures)
	}
	return res
}

func scores(res *sim.Result, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = res.Scores[fmt.Sprintf("player-%d", i+1)]
	}
	return out
}

// The vectors are Axelrod's own: axelrod/tests/integration/test_sample_tournaments.py and
// axelrod/tests/unit/test_tournament.py, Axelrod-Python/Axelrod@95052da1.
func TestTournaments(t *testing.T) {
	tests := []struct {
		turns   int
		players string
		want    []float64
	}{
		{10, "Cooperator Defector", []float64{0, 50}},
		{10, "TitForTat Defector", []float64{9, 14}},
		{10, "Cooperator TitForTat", []float64{30, 30}},
		{10, "Cooperator TitForTat Defector", []float64{30, 39, 64}},
		{10, "Cooperator TitForTat Defector Grudger", []float64{60, 69, 78, 69}},
		{10, "Cooperator Defector Grudger GoByMajority TitForTat", []float64{90, 92, 99, 99, 99}},
		{200, "TitForTat Defector", []float64{199, 204}},
		{200, "Cooperator Defector Grudger GoByMajority TitForTat", []float64{1800, 1612, 1999, 1999, 1999}},
		{20, "TitForTat WinStayLoseShift Alternator SuspiciousTitForTat", []float64{158, 146, 148, 141}},
		{20, "TitFor2Tats HardTitForTat Alternator SuspiciousTitForTat", []float64{147, 140, 147, 135}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d %s", tt.turns, tt.players), func(t *testing.T) {
			players := strings.Fields(tt.players)
			if diff := cmp.Diff(tt.want, scores(playIPD(t, tt.turns, false, players...), len(players))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// One row a strategy, 20 turns: its score and its opponent's against Defector,
// Alternator and SuspiciousTitForTat. Same source.
func TestMatches(t *testing.T) {
	opponents := []string{"Defector", "Alternator", "SuspiciousTitForTat"}
	table := map[string][3][2]float64{
		"TitForTat":           {{19, 24}, {48, 53}, {50, 50}},
		"Cooperator":          {{0, 100}, {30, 80}, {57, 62}},
		"Defector":            {{20, 20}, {60, 10}, {20, 20}},
		"Grudger":             {{19, 24}, {57, 17}, {23, 23}},
		"WinStayLoseShift":    {{10, 60}, {45, 45}, {41, 41}},
		"TitFor2Tats":         {{18, 28}, {30, 80}, {57, 62}},
		"Alternator":          {{10, 60}, {40, 40}, {50, 50}},
		"SuspiciousTitForTat": {{20, 20}, {50, 50}, {20, 20}},
		"GoByMajority":        {{19, 24}, {30, 80}, {50, 50}},
		"HardTitForTat":       {{19, 24}, {57, 17}, {23, 23}},
	}
	for strategy, row := range table {
		for i, opponent := range opponents {
			res := playIPD(t, 20, false, strategy, opponent)
			if diff := cmp.Diff(row[i][:], scores(res, 2)); diff != "" {
				t.Errorf("%s v %s: %s", strategy, opponent, diff)
			}
		}
	}
}

// Seats do not matter: every permutation of the players gives each its score.
func TestTournamentReordered(t *testing.T) {
	players := []string{"Cooperator", "TitForTat", "Defector", "Grudger"}
	want := map[string]float64{"Cooperator": 60, "TitForTat": 69, "Defector": 78, "Grudger": 69}
	for shift := range players {
		order := append(append([]string{}, players[shift:]...), players[:shift]...)
		for i, got := range scores(playIPD(t, 10, false, order...), 4) {
			if got != want[order[i]] {
				t.Errorf("order %v: %s has %v, want %v", order, order[i], got, want[order[i]])
			}
		}
	}
}

// Tit for tat can win a tournament and never wins a match.
func TestTitForTatWinsNoMatch(t *testing.T) {
	res := playIPD(t, 20, false, "TitForTat", "WinStayLoseShift", "Alternator", "SuspiciousTitForTat")
	wins := res.State.(sim.Valuer).Value().(map[string]any)["wins"].(map[string]any)
	if wins["player-1"] != int64(0) {
		t.Errorf("wins: %v", wins)
	}
	if s := scores(res, 4); s[0] != 158 || s[0] <= s[1] || s[0] <= s[2] || s[0] <= s[3] {
		t.Errorf("scores: %v", s)
	}
}

func TestTournamentFiles(t *testing.T) {
	w, s := loadIPD(t)
	cfg := ipd(t, w, s, 3, true, "Cooperator", "Defector", "TitForTat")
	var seen []string // what the second player can read in the last round
	second := cfg.Actors["player-2"]
	cfg.Actors["player-2"] = sim.ActorFunc(func(ctx context.Context, ask *sim.Ask) sim.Answer {
		seen = nil
		for path := range ask.View().All() {
			seen = append(seen, path)
		}
		return second.Act(ctx, ask)
	})
	res, err := sim.Play(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	text := func(path string) string {
		e, ok := res.Tree.Get(path)
		if !ok {
			t.Fatalf("no %s", path)
		}
		data, err := cfg.Blobs.Get(e.Hash)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	want := `{"round":1,"a":"D","b":"C"}` + "\n" + `{"round":2,"a":"D","b":"D"}` + "\n" + `{"round":3,"a":"D","b":"D"}` + "\n"
	if got := text("match/player-2--player-3/history.jsonl"); got != want {
		t.Errorf("history: %s", got)
	}
	if got := text("match/player-1--player-2/round-002/player-2.move"); got != "D" {
		t.Errorf("move: %q", got)
	}
	if got := text("tournament.json"); got != `{"payoffs":{"P":1,"R":3,"S":0,"T":5},"players":["player-1","player-2","player-3"]}`+"\n" {
		t.Errorf("tournament: %s", got)
	}
	var table struct{ Scores, Wins map[string]float64 }
	if err := json.Unmarshal([]byte(text("scores.json")), &table); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(res.Scores, table.Scores); diff != "" {
		t.Error(diff)
	}
	for _, path := range seen {
		if strings.HasPrefix(path, "match/") && !strings.Contains(path, "player-2") || path == "scores.json" {
			t.Errorf("player-2 sees %s", path)
		}
	}
	if len(seen) != 1+2*(2*2+1) {
		t.Errorf("player-2 sees %v", seen)
	}
}

// A move against a stranger, or too few moves, is refused with the names.
func TestTournamentIllegal(t *testing.T) {
	w, s := loadIPD(t)
	cfg := ipd(t, w, s, 1, false, "Cooperator", "Defector", "TitForTat")
	answers := []any{
		map[string]any{"player-2": "C"},
		map[string]any{"player-2": "C", "player-3": "C", "player-1": "C"},
		map[string]any{"player-2": "C", "player-3": "X"},
	}
	cfg.Actors["player-1"] = sim.ActorFunc(func(_ context.Context, ask *sim.Ask) sim.Answer {
		return sim.Answer{Action: answers[ask.Attempt-1]}
	})
	res, err := sim.Play(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range res.Failures {
		got = append(got, string(f.Category)+" "+f.Text)
	}
	if len(got) != 3 || got[0] != "ILLEGAL no move against player-3" || got[1] != "ILLEGAL not your opponent: player-1" {
		t.Errorf("failures: %q", got)
	}
	missing := res.State.(sim.Valuer).Value().(map[string]any)["missing"]
	if diff := cmp.Diff(map[string]any{"player-1": int64(1), "player-2": int64(0), "player-3": int64(0)}, missing); diff != "" {
		t.Error(diff)
	}
}

// The program in Python plays every history as the Starlark file does.
func TestStrategiesInPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	check := `
import itertools, json, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import strategies
out = {}
for n in range(6):
    for mine in itertools.product("CD", repeat=n):
        for theirs in itertools.product("CD", repeat=n):
            a, b = "".join(mine), "".join(theirs)
            for name, f in strategies.STRATEGIES.items():
                out[name + " " + a + " " + b] = f(a, b)
json.dump(out, sys.stdout)
`
	data, err := exec.Command(python, "-c", check, ipdFolder).Output()
	if err != nil {
		t.Fatal(err)
	}
	var python3 map[string]any
	if err := json.Unmarshal(data, &python3); err != nil {
		t.Fatal(err)
	}
	w := mustWorld(t, map[string]string{
		"strategies.star": readFile(t, ipdFolder+"/strategies.star"),
		"w.star": `
load("strategies.star", "STRATEGIES")
def texts(n):
    out = [""]
    for _ in range(n):
        out = [t + c for t in out for c in "CD".elems()]
    return out
def setup():
    return {name + " " + a + " " + b: f(a, b) for name, f in STRATEGIES.items() for n in range(6) for a in texts(n) for b in texts(n)}
def resolve(state, moves): pass
`}, "w.star")
	state, err := w.Setup(&sim.ResolveCtx{})
	if err != nil {
		t.Fatal(err)
	}
	if len(python3) != 10*1365 {
		t.Errorf("%d histories compared", len(python3))
	}
	if diff := cmp.Diff(python3, state.(sim.Valuer).Value()); diff != "" {
		t.Error(diff)
	}
}

// The program speaks the protocol of agent programs.
func TestStrategyProgram(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	cmd := exec.Command(python, ipdFolder+"/strategies.py")
	cmd.Stdin = strings.NewReader(`{"type":"hello","protocol":1,"agent":{"name":"player-1","role":"","vars":{"strategy":"TitForTat"}},"prompt":""}
{"type":"news","unknown":true}
{"type":"turn","id":"1.1.1","turn":1,"observation":{"round":1,"matches":{"player-2":{"mine":"","theirs":""},"player-3":{"mine":"","theirs":""}}}}
{"type":"turn","id":"2.1.1","turn":2,"observation":{"round":2,"matches":{"player-2":{"mine":"C","theirs":"D"},"player-3":{"mine":"C","theirs":"C"}}}}
{"type":"error","id":"2.1.1","category":"ILLEGAL","text":"no","next_id":"2.1.2"}
{"type":"error","id":"2.1.2","category":"ILLEGAL","text":"no"}
{"type":"end","reason":"max","truncated":false,"score":3}
`)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type": "ready"}
{"type": "move", "id": "1.1.1", "action": {"player-2": "C", "player-3": "C"}}
{"type": "move", "id": "2.1.1", "action": {"player-2": "D", "player-3": "C"}}
{"type": "move", "id": "2.1.2", "action": {"player-2": "D", "player-3": "C"}}
`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Error(diff)
	}
}
