package scenarios

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
)

func ptr[T any](v T) *T { return &v }

func TestExpandOrder(t *testing.T) {
	s := mustLoad(t, "testdata/good/everything")
	p, err := s.Expand(ExpandOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if p.SeedDrawn || p.Seed != 0 || p.Replicates != 2 || len(p.Runs) != 16 {
		t.Fatalf("plan %+v", p)
	}
	var got []string
	for _, c := range p.Cells {
		text, _ := json.Marshal([]any{c.ID, c.Params["model"], c.Params["price"], c.Params["fresh"]})
		got = append(got, string(text))
	}
	want := []string{
		`["c01","a",0.5,2]`, `["c02","a",0.5,2]`, `["c03","a",1,2]`, `["c04","a",1,2]`,
		`["c05","b",0.5,2]`, `["c06","b",0.5,2]`, `["c07","b",1,2]`, `["c08","b",1,2]`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("cells %v\n want %v", got, want)
	}
	if r := p.Runs[3]; r.ID != "r002" || r.Cell.ID != "c02" || r.Replicate != 2 || !reflect.DeepEqual(r.Cell.Axes, []string{"model", "price", "fresh"}) {
		t.Errorf("run %+v", r)
	}
}

func TestExpandCell(t *testing.T) {
	s := mustLoad(t, "testdata/good/everything")
	p, err := s.Expand(ExpandOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := p.Cells[0]
	var seats []string
	for _, seat := range c.Seats {
		seats = append(seats, seat.Name)
	}
	if !reflect.DeepEqual(seats, []string{"trader-1", "trader-2", "outside", "bot"}) {
		t.Errorf("seats %v", seats)
	}
	e := c.Entries[0]
	if e.Limits != (SeatLimits{Steps: 10, Mail: 3, Act: 120e9, Bank: 0, Tokens: 100000, USD: 1.5, HasUSD: true}) {
		t.Errorf("limits %+v: the agent's act wins, the player's others stay", e.Limits)
	}
	if !reflect.DeepEqual(e.Roles, []RoleCount{{"buyer", 1}, {"seller", 1}}) || c.Entries[1].Role != "watcher" {
		t.Errorf("roles %v", e.Roles)
	}
	least := must(mustLoad(t, "testdata/good/least").Expand(ExpandOptions{})).Cells[0].Limits
	if least != (RunLimits{Wall: 2 * 3600e9, Idle: 600e9}) {
		t.Errorf("limits %+v without any: the page says 2h and 10m", least)
	}
	if c.Max != 6 || c.Limits.Wall != 2*3600e9 || c.Limits.Turns != 100 || !c.Limits.HasUSD {
		t.Errorf("limits %+v", c.Limits)
	}
	if got := c.Files["c.json"]; got != `{"field":["x","y"]}` {
		t.Errorf("c.json is %s", got)
	}
	// One expression alone keeps its type elsewhere; a file's content is a text like that
	// of any template: the rest is compact JSON, None is empty.
	for name, want := range map[string]string{"n.txt": "2", "d.json": `{"x":1}`, "e.txt": ""} {
		if got, ok := c.Files[name]; !ok || got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if d := c.Entries[2].Limits; d.Steps != DefaultSteps || d.Act != DefaultAct || d.Mail != DefaultMail || d.HasUSD {
		t.Errorf("defaults %+v", d)
	}
}

func TestPhaseDefaults(t *testing.T) {
	s := mustLoad(t, "testdata/good/everything")
	bid, shuffle, world := s.Turns.Phases[0], s.Turns.Phases[1], s.Turns.Phases[7]
	if order, _ := shuffle.Canonical.Literal(); order.Name != "rotating" || shuffle.Via.Kind != "reply" || bid.Via.File != "bid.json" || world.Via.Kind != "tool" {
		t.Error("the turns' keys are defaults, the phase's win")
	}
	if bid.Limits.Mail.Pos() == shuffle.Limits.Mail.Pos() || bid.Limits.Act.Pos() != shuffle.Limits.Act.Pos() {
		t.Error("limits are overridden one by one")
	}
	if bid.Failures.Illegal != (FailurePolicy{1, "default"}) || shuffle.Failures.Illegal != (FailurePolicy{2, "pass"}) || bid.Failures.ForfeitAfter != 3 {
		t.Error("failures")
	}
	if !world.WorldOnly || bid.WorldOnly || len(bid.Tools) != 0 || len(shuffle.Tools) != 1 {
		t.Error("who and tools")
	}
	least := mustLoad(t, "testdata/good/least")
	if p := least.Turns.Phases; len(p) != 1 || p[0].Name != "act" || p[0].Failures.Crash != (FailurePolicy{1, "forfeit"}) {
		t.Errorf("without phases there is one: %+v", p)
	}
}

func TestSeed(t *testing.T) {
	s := mustLoad(t, "testdata/good/least")
	a, err := s.Expand(ExpandOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := s.Expand(ExpandOptions{})
	if !a.SeedDrawn || a.Seed == b.Seed || a.Seed >= 1<<53 {
		t.Errorf("seeds %d and %d", a.Seed, b.Seed)
	}
	c, err := s.Expand(ExpandOptions{Seed: ptr(uint64(math.MaxUint64)), Replicates: ptr(1500)})
	if err != nil || c.SeedDrawn || c.Seed != math.MaxUint64 || len(c.Runs) != 1500 || c.Runs[1499].ID != "r1500" || c.Runs[0].ID != "r0001" {
		t.Errorf("%+v, %v", c.Runs[0], err)
	}
	if _, err := s.Expand(ExpandOptions{Replicates: ptr(0)}); err == nil {
		t.Error("0 replicates")
	}
	if _, err := s.Expand(ExpandOptions{Replicates: ptr(1_000_001)}); err == nil || !strings.Contains(err.Error(), "the most is 1000000 runs") {
		t.Error(err)
	}
}

func TestSets(t *testing.T) {
	s := mustLoad(t, "testdata/good/everything", "params.n=3", "turns.max=7", "matrix.model=[b]", "matrix.price=[2]", "agents.trader.focal=false", "agents.0.roles.buyer=2", "turns.phases.bid.order=sequential")
	p, err := s.Expand(ExpandOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c := p.Cells[0]; len(p.Cells) != 2 || c.Params["n"] != int64(3) || c.Params["price"] != 2.0 || c.Max != 7 || len(c.Seats) != 5 {
		t.Errorf("%+v", c.Params)
	}
	again, err := mustLoad(t, "testdata/good/everything").Expand(ExpandOptions{Sets: []Set{must(ParseSet([]string{"n=2"}))[0]}})
	if err != nil || again.Scenario.Digest == s.Digest {
		t.Error("sets are part of the digest", err)
	}
	for arg, want := range map[string]string{
		"nn=3":              `--set nn=3: no parameter "nn"; did you mean "n"?`,
		"modle=a":           "--set modle=a: no parameter \"modle\"",
		"model=a":           "--set model=a: model is an axis of the matrix, which would win; use --set 'matrix.model=[…]'",
		"n=2.5":             `--set n=2.5: n: want an integer, as the default 2, got 2.5`,
		"turns.maxx=3":      `--set turns.maxx=3: unknown key "maxx" in turns; did you mean "max"?`,
		"turn.max=3":        `--set turn.max=3: the file has no turn; did you mean "turns"?`,
		"agents.tradr.x=1":  `--set agents.tradr.x=1: the file has no agents.tradr; did you mean "trader"?`,
		"turns.max=x":       `--set turns.max=x: want an integer, got "x"`,
		"turns.max=${turn}": "--set turns.max=${turn}: turn is not available in",
	} {
		sets, err := ParseSet([]string{arg})
		if err == nil {
			_, err = Load("testdata/good/everything", LoadOptions{Sets: sets})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\n want %s", arg, err, want)
		}
	}
	bounded := mustLoad(t, "testdata/good/least", "limits.turns=3", "limits.usd=2", "batch.keep=none", "workspace.atomic=false")
	if c := must(bounded.Expand(ExpandOptions{})).Cells[0]; c.Limits.Turns != 3 || c.Limits.USD != 2 || bounded.Batch.Keep != "none" || bounded.Batch.Excluded != 0.05 || bounded.Workspace.Atomic {
		t.Errorf("fields of mappings that the file has not: %+v", c.Limits)
	}
	_, err = Load("testdata/good/least", LoadOptions{Sets: must(ParseSet([]string{"limits.turn=3", "players.p.model=m"}))})
	if want := "--set limits.turn=3: unknown key \"turn\" in limits; did you mean \"turns\"?\n--set players.p.model=m: the file has no players"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v\n want %s", err, want)
	}
	// One slip, one message: what the parameter is used for is not at fault.
	_, err = Load("testdata/good/everything", LoadOptions{Sets: must(ParseSet([]string{"n=two"}))})
	if want := `--set n=two: n: want an integer, as the default 2, got "two"`; err == nil || err.Error() != want {
		t.Errorf("%v\n want %s", err, want)
	}
	for _, arg := range []string{"", "n", "=3", "a..b=1", "n=[1", "n= {a: ${x}}", " n=1"} {
		if _, err := ParseSet([]string{arg}); err == nil || !strings.HasPrefix(err.Error(), "--set "+arg) {
			t.Errorf("%q: %v", arg, err)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestParamTypes: an int will do for a float, and a whole float, as n/2 gives, for an int.
func TestParamTypes(t *testing.T) {
	dir := folder(t, map[string]string{"scenario.yaml": small + "params: {n: 4, x: 1.5}\nmatrix: {n: \"${[params.n / 2]}\", x: [2]}\n"})
	p, err := mustLoad(t, dir).Expand(ExpandOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n, x := p.Cells[0].Params["n"], p.Cells[0].Params["x"]; n != int64(2) || x != 2.0 {
		t.Errorf("n is %T %v, x is %T %v", n, n, x, x)
	}
}

// TestJSONSchema: what loads is valid, and what the loader refuses for keys and types
// is not.
func TestJSONSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("s.json", doc); err != nil {
		t.Fatal(err)
	}
	sch, err := c.Compile("s.json")
	if err != nil {
		t.Fatal(err)
	}
	good, _ := filepath.Glob("testdata/good/*/scenario.yaml")
	shipped, _ := filepath.Glob("library/*/scenario.yaml")
	for _, file := range append(append(good, shipped...), "initial/scenario.yaml") {
		data := must(os.ReadFile(file))
		if err := sch.Validate(tree(t, data)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	a := must(txtar.ParseFile("testdata/bad/keys.txtar"))
	for _, file := range a.Files {
		if file.Name != "minimal:unknown.yaml" && file.Name != "version.yaml" && file.Name != "minimal:types.yaml" && file.Name != "minimal:durations.yaml" && file.Name != "minimal:failures.yaml" {
			continue
		}
		if sch.Validate(tree(t, file.Data)) == nil {
			t.Errorf("%s is valid", file.Name)
		}
	}
}

func tree(t *testing.T, data []byte) any {
	t.Helper()
	var c collector
	n := parseYAML("f", data, &c)
	if c.list != nil {
		t.Fatal(c.err("f"))
	}
	return numbersAsFloats(plainValue(n))
}

func TestInit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	files, err := Init(dir)
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	p, err := mustLoad(t, dir).Expand(ExpandOptions{})
	if err != nil || len(p.Runs) != 4 {
		t.Error(err)
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(dir); err == nil || !strings.Contains(err.Error(), "overwrites nothing") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(files[0]); err == nil {
		t.Error("half of it was written")
	}
	for _, dir := range []string{"", files[1]} {
		if _, err := Init(dir); err == nil || !strings.Contains(err.Error(), "is no folder; init wants") {
			t.Errorf("%q: %v", dir, err)
		}
	}
}

// Expected values are the decimal texts themselves, moved by nine places: many of these
// have no exact float.
func TestNanoUSD(t *testing.T) {
	for usd, want := range map[float64]int64{
		0: 0, 0.1: 100_000_000, 0.1 + 0.2: 300_000_000, 0.008: 8_000_000, 2.675: 2_675_000_000,
		0.000000001: 1, 0.0000000004: 0, 123456.789012345: 123_456_789_012_345, 1e9: 1_000_000_000_000_000_000,
	} {
		if got := NanoUSD(usd); got != want {
			t.Errorf("%v: %d, want %d", usd, got, want)
		}
	}
}
