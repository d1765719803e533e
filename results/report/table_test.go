package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file in testdata; -update writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("%s (-want +got); go test -update rewrites it:\n%s", path, d)
	}
}

// hostile is what an agent may call things.
const hostile = "\x1b]0;owned\x07\x1b[2J\u202eevil\u202c\u009b31m\r\n::error::x\n##[set-env name=A]\u200b\xff\x00"

func batch() *results.BatchResult {
	b := &results.BatchResult{Info: results.BatchInfo{Name: "fishery", Replicates: 6, Excluded: 0.2}}
	for i, model := range []string{"small", "large"} {
		cell := results.CellResult{ID: results.CellID(i + 1), Planned: 6, Params: json.RawMessage(fmt.Sprintf(`{"model":%q,"n":5,"talk":%v}`, model, i > 0))}
		for r := range 6 {
			cell.Runs = append(cell.Runs, run(i, r))
		}
		b.Cells = append(b.Cells, cell)
	}
	b.Cells[1].Runs[5].Status = results.Truncated
	b.Cells[1].Runs[4].Status = results.HarnessFailed
	b.Cells[1].Runs[4].Error = "world.star:12:3: division by zero"
	return b
}

func run(cell, r int) results.RunResult {
	res := results.RunResult{Replicate: r + 1, Status: results.Completed, Turns: 12, Commits: 40 + r, Conflicts: r, Chance: 9,
		Info: results.RunInfo{Tier: "T1"}, Draws: map[string]int{"world/tie": 9}, Wall: time.Duration(80+r) * time.Second,
		Outcomes: []history.NamedValue{{Name: "survived", Value: history.Value{V: r != 2}},
			{Name: "total", Value: history.Value{V: 400.5 + float64(r*7)}}, {Name: "winner", Value: history.Value{V: []string{"village-2", "village-10"}[r%2]}}},
		Scores: map[string]float64{"village-1": 80.25, "village-2": float64(90 + r), "village-10": 80.25},
		Agents: map[string]*results.AgentStats{}}
	for i, name := range []string{"village-1", "village-2", "village-10", "@judge"} {
		tokens := results.Tokens{Input: int64(1000 * (i + 1)), Output: 250, CacheRead: 123_456}
		if cell == 1 {
			tokens.CacheWrite5m, tokens.CacheWrite1h = 5000, 7
		}
		a := &results.AgentStats{Turns: 12, Tokens: tokens, NanoUSD: int64(1_234_567*(i+1) + r), Commits: 13, Conflicts: r % 2}
		res.Agents[name] = a
		res.Tokens.Add(tokens)
		res.NanoUSD += a.NanoUSD
	}
	if r == 3 {
		res.Failures = map[string]int{"TIMEOUT": 2, "ILLEGAL": 1}
		res.LastError = map[string]results.SeatError{"TIMEOUT": {Agent: "village-2", Text: "no answer within 2m0s"},
			"ILLEGAL": {Agent: "village-10", Text: "want: 900 is above 80" + hostile}}
		res.Agents["village-2"].Failures = map[string]int{"TIMEOUT": 2}
	}
	return res
}

func summarise(t *testing.T, b *results.BatchResult) *results.Summary {
	t.Helper()
	rate := func(c results.CellStats) (results.Verdict, error) {
		if c.Samples["survived"].Estimate(c.Level).Value >= 0.8 {
			return results.Passed, nil
		}
		return results.Failed, nil
	}
	s, err := results.Summarise(b, results.Options{Expect: []results.Expectation{
		{Text: `rate("survived") >= 0.8`, Judge: rate}, {Text: `low("total") > 0`}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func render(t *testing.T, s *results.Summary, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Table(&b, s, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTableGolden(t *testing.T) {
	for _, width := range []int{80, 100, 120} {
		got := render(t, summarise(t, batch()), Options{Width: width})
		golden(t, fmt.Sprintf("table-%d.txt", width), got)
		for line := range strings.Lines(strings.Split(string(got), "\nc0")[0]) {
			if n := text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")); n > width && !strings.HasPrefix(line, " [") {
				t.Errorf("%d columns at width %d: %s", n, width, line)
			}
		}
	}
}

// A scripted batch in memory: no money, nothing drawn.
func TestTableDeterministic(t *testing.T) {
	b := &results.BatchResult{Info: results.BatchInfo{Name: "pd", Replicates: 2}, Cells: []results.CellResult{{ID: "c01", Planned: 2}}}
	for r := range 2 {
		b.Cells[0].Runs = append(b.Cells[0].Runs, results.RunResult{Replicate: r + 1, Status: results.Completed, Turns: 3,
			Scores: map[string]float64{"a": 9, "b": 9}})
	}
	s, err := results.Summarise(b, results.Options{})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "table-deterministic.txt", render(t, s, Options{Width: 80}))
}

// Nothing that an agent chooses reaches the terminal as anything but text.
func TestTableHostile(t *testing.T) {
	b := batch()
	for i := range b.Cells[0].Runs {
		r := &b.Cells[0].Runs[i]
		r.Outcomes = append(r.Outcomes, history.NamedValue{Name: hostile, Value: history.Value{V: hostile + strings.Repeat("x", 1<<20)}})
		r.Scores[hostile] = 1
		r.Agents[hostile] = &results.AgentStats{}
		r.Problems = []string{hostile}
	}
	b.Cells[0].Params = json.RawMessage(`{"model":"\u001b[31m","n":5}`)
	b.Info.Name = hostile
	b.Problems = []string{"##[command]" + strings.Repeat("y", 10000)}
	harmless(t, string(render(t, summarise(t, b), Options{Width: 90})))
}

func harmless(t *testing.T, out string) {
	t.Helper()
	for i, r := range out {
		if r != '\n' && r != '\t' && hidden(r) && r != '\u200b' || r == '\ufffd' {
			t.Fatalf("%U at byte %d: %q", r, i, out[max(0, i-40):min(len(out), i+40)])
		}
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "##[") || strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("a runner would obey %q", line)
		}
		if len(line) > 4000 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

func TestColorOnlyWhenAsked(t *testing.T) {
	s := summarise(t, batch())
	if got := render(t, s, Options{}); bytes.ContainsRune(got, '\x1b') {
		t.Error("colour that nobody asked for")
	}
	if got := render(t, s, Options{Color: true}); !bytes.Contains(got, []byte("\x1b[31merror\x1b[0m")) {
		t.Error("no colour")
	}
}

func TestUSDIsExact(t *testing.T) {
	for nano, want := range map[int64]string{0: "$0.00", 1: "$0.000000001", 10_000_000: "$0.01", 1_234_567_891: "$1.234567891",
		1_500_000_000: "$1.50", 1_234_567_000_000_000: "$1,234,567.00", -2_500_000_000: "-$2.50",
		math.MaxInt64: "$9,223,372,036.854775807", math.MinInt64: "-$9,223,372,036.854775808"} {
		if got := USD(nano); got != want {
			t.Errorf("USD(%d) = %s, want %s", nano, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", math.MinInt64: "-9,223,372,036,854,775,808"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain – ünïcode 漢字 ✓": "plain – ünïcode 漢字 ✓",
		"\x1b[31m":             `\x1b[31m`, "a\u009bb": `a\x9bb`, "\x7f\x00": `\x7f\x00`, "a\nb\tc\r": `a\nb\tc\r`,
		"\u202ex\u2066": `\u202ex\u2066`, "\u2028": `\u2028`, "\ufeff\u200d": `\ufeff\u200d`, "\U000e0041": `\U000e0041`, "\xff\xfe": `\xff\xfe`,
		"\ue000\U00100000": `\ue000\U00100000`, "a\ufe0f\U000e0100": `a\ufe0f\U000e0100`, "\u115f\u1160\u3164\uffa0": `\u115f\u1160\u3164\uffa0`,
		"\ufffd": "\ufffd", " ::set-env": " :\u200b:set-env", "a ::b": "a ::b", "x##[y": "x#\u200b#[y",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
	if got := CleanText("a\n\t::x\x1b\n##[y"); got != "a\n\t:\u200b:x\\x1b\n#\u200b#[y" {
		t.Errorf("CleanText = %q", got)
	}
}

func FuzzClean(f *testing.F) {
	f.Add(hostile)
	f.Add("###[\n::::")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsRune(s, '\ufffd') {
			return
		}
		harmless(t, clip(s, 100))
		harmless(t, Clean(s[:min(len(s), 500)]))
	})
}

func TestNaturalOrder(t *testing.T) {
	m := map[string]int{"v-10": 1, "v-2": 1, "v-1": 1, "a": 1, "7": 1, "v-99999999999999999999": 1}
	if d := cmp.Diff([]string{"7", "a", "v-1", "v-2", "v-10", "v-99999999999999999999"}, sorted(m)); d != "" {
		t.Error(d)
	}
}
