package bind_test

import (
	"maps"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/scenarios"
)

const dealt = `
agents:
  - {name: p, count: 5, model: m, roles: {mafia: 2, citizen: 3}, vars: {value: "${pick([1, 2, 3])}", twice: ["${pick(['a', 'b'])}", "${pick(['a', 'b'])}"]}}
  - {name: host, model: m, role: host}
turns: {max: 1}
`

func rolesOf(g *bind.Game) map[string]string {
	out := map[string]string{}
	for _, s := range g.Config.Seats {
		out[s.Name] = s.Role
	}
	return out
}

// TestDeal: exactly the counts, the same again for the same run, and on record.
func TestDeal(t *testing.T) {
	p := plan(t, text(dealt))
	g := build(t, p.Runs[0], bind.Deps{})
	count := map[string]int{}
	for _, role := range rolesOf(g) {
		count[role]++
	}
	if !maps.Equal(count, map[string]int{"mafia": 2, "citizen": 3, "host": 1}) {
		t.Errorf("roles %v", count)
	}
	draws := g.Config.Draws
	if !reflect.DeepEqual(draws, build(t, p.Runs[0], bind.Deps{}).Config.Draws) {
		t.Error("the same run was dealt otherwise")
	}
	if n := len(draws); n != 1+5*3 || draws[0].Stream != "roles/p" || draws[0].Kind != "permutation" || len(draws[0].Args) != 5 {
		t.Fatalf("%d draws: %+v", n, draws[0])
	}
	roles := draws[0].Result.(map[string]any)
	for _, s := range g.Config.Seats[:5] {
		if roles[s.Name] != s.Role {
			t.Errorf("%s is %s, but the draw says %v", s.Name, s.Role, roles[s.Name])
		}
	}
}

// TestPick: a seat's picks are successive draws of its own stream, and on record with
// the index that was drawn.
func TestPick(t *testing.T) {
	g := build(t, plan(t, text(dealt)).Runs[0], bind.Deps{})
	for i, s := range g.Config.Seats[:5] {
		mine := g.Config.Draws[1+3*i : 4+3*i]
		for k, of := range [][]any{{int64(1), int64(2), int64(3)}, {"a", "b"}, {"a", "b"}} {
			d := mine[k]
			got := append([]any{s.Vars["value"]}, s.Vars["twice"].([]any)...)[k]
			if d.Stream != "population/seat/"+s.Name || d.Kind != "choice" || d.Args[0] != int64(len(of)) || of[d.Result.(int64)] != got {
				t.Errorf("%s: draw %d is %+v, the value %v", s.Name, k, d, got)
			}
		}
	}
}

// TestDealIsUniform: over 1500 replicates each of five seats is mafia in 2/5 of them and
// each value is picked as often, within four standard errors; two picks of one seat are
// independent: alike in half of all cases.
func TestDealIsUniform(t *testing.T) {
	const n = 1500
	runs := n
	mafia, ones, alike := map[string]int{}, 0, 0
	for _, run := range again(t, plan(t, text(dealt)), scenarios.ExpandOptions{Replicates: &runs}).Runs {
		g, err := bind.Build(run, bind.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range g.Config.Seats[:5] {
			if s.Role == "mafia" {
				mafia[s.Name]++
			}
			if s.Vars["value"] == int64(1) {
				ones++
			}
			if two := s.Vars["twice"].([]any); two[0] == two[1] {
				alike++
			}
		}
	}
	within := func(what string, got int, n, p float64) {
		t.Helper()
		if math.Abs(float64(got)-n*p) > 4*math.Sqrt(n*p*(1-p)) {
			t.Errorf("%s: %d of %v, want about %v", what, got, n, n*p)
		}
	}
	for name, k := range mafia {
		within(name+" is mafia", k, n, 0.4)
	}
	within("the first of three picked", ones, 5*n, 1.0/3)
	within("two picks alike", alike, 5*n, 0.5)
}

// TestDealIsStable: another entry in front, or another order of the entries, changes
// nobody's role and nobody's picks; and one seat more with one citizen more moves roles
// only to or from the new seat's neighbourhood: the keys stay as they are.
func TestDealIsStable(t *testing.T) {
	base := build(t, plan(t, text(dealt)).Runs[0], bind.Deps{})
	more := strings.Replace(dealt, "agents:\n", "agents:\n  - {name: first, model: m, vars: {x: \"${pick([1, 2])}\"}}\n", 1)
	shifted := build(t, plan(t, text(more)).Runs[0], bind.Deps{})
	for name, role := range rolesOf(base) {
		if rolesOf(shifted)[name] != role {
			t.Errorf("%s was %s, and is %s with a seat in front", name, role, rolesOf(shifted)[name])
		}
	}
	for i, s := range base.Config.Seats {
		if !reflect.DeepEqual(s.Vars, shifted.Config.Seats[i+1].Vars) {
			t.Errorf("%s picked %v, and %v with a seat in front", s.Name, s.Vars, shifted.Config.Seats[i+1].Vars)
		}
	}
	runs := 50
	six := strings.Replace(strings.Replace(dealt, "count: 5", "count: 6", 1), "citizen: 3", "citizen: 4", 1)
	small := again(t, plan(t, text(dealt)), scenarios.ExpandOptions{Replicates: &runs}).Runs
	for i, run := range again(t, plan(t, text(six)), scenarios.ExpandOptions{Replicates: &runs}).Runs {
		before, after := rolesOf(build(t, small[i], bind.Deps{})), rolesOf(build(t, run, bind.Deps{}))
		var changed []string
		for name, role := range before {
			if after[name] != role {
				changed = append(changed, name)
			}
		}
		// The two lowest keys are mafia: the sixth can only push the second of them out.
		if len(changed) > 1 || len(changed) == 1 && (after["p-6"] != "mafia" || after[changed[0]] != "citizen") {
			t.Errorf("replicate %d: %v became %v", i+1, before, after)
		}
	}
}
