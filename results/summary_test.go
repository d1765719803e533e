package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sandtable/sandtable/results/history"
	"github.com/sandtable/sandtable/results/jsonl"
)

func always(v Verdict) Judge { return func(CellStats) (Verdict, error) { return v, nil } }

func TestSummarise(t *testing.T) {
	s := summary(t, mixedBatch(t), Options{})
	c := s.Cells[0]
	if c.Runs != 5 || c.Valid != 5 || c.Turns != 5 || c.Commits != 5 || c.Conflicts != 5 || c.NanoUSD != 15*1_234_567_891 ||
		c.Tier != "T1" || c.WallSeconds != 450 || c.Draws["tie"] != 15 || c.Deterministic {
		t.Errorf("%+v", c)
	}
	rate := c.Outcomes["survived"]
	// Wilson for 4 of 5, by hand from the formula: 0.3755 to 0.9638.
	if rate.Kind != RateKind || rate.Value != 0.8 || math.Abs(float64(rate.Low)-0.37553) > 1e-5 || math.Abs(float64(rate.High)-0.96377) > 1e-5 {
		t.Errorf("%+v", rate)
	}
	mean := c.Outcomes["total"] // 0 10 20 30 40: sd 15.811, t(4) 2.776445 → ±19.632
	if mean.Kind != MeanKind || mean.Value != 20 || math.Abs(float64(mean.High)-39.6324) > 1e-4 || mean.Median.Value != 20 {
		t.Errorf("%+v", mean)
	}
	if f := c.Failures["ILLEGAL"]; f.Count != 5 || f.Agent != "a" || c.Agents["a"].Turns != 5 {
		t.Errorf("%+v", c.Failures)
	}
	if sc := c.Scores["a"]; sc.Mean != 3 || sc.N != 5 {
		t.Errorf("%+v", sc)
	}
	d := s.Cells[1]
	got := []int{d.Runs, d.Valid, d.Void, d.Censored, d.Failed.Harness, d.Interrupted, d.Unreadable, d.Missing}
	if diff := cmp.Diff([]int{5, 1, 1, 1, 1, 1, 0, 0}, got); diff != "" {
		t.Error(diff)
	}
	if d.Unpriced != 3 || d.NanoUSD != 15 || d.Measures["truncated"].N != 2 || d.Outcomes["total"].Kind != SharesKind {
		t.Errorf("%+v", d)
	}
	if s.Verdict != ErrorVerdict || len(s.Problems) != 1 || !strings.Contains(s.Problems[0], "division by zero") {
		t.Errorf("%s %v", s.Verdict, s.Problems)
	}
}

// What is derived can be deleted: the summary is made of the records alone.
func TestSummaryIsRecomputed(t *testing.T) {
	b := mixedBatch(t)
	o := Options{Expect: []Expectation{{Text: "x", Judge: always(Passed)}}}
	first := summary(t, b, o)
	ok(t, b.WriteSummary(first))
	text, err := os.ReadFile(b.Summary())
	ok(t, err)
	ok(t, os.WriteFile(b.Summary(), []byte(`{"sandtable":1,"name":"lies"}`), 0o600))
	ok(t, b.WriteSummary(summary(t, b, o)))
	again, err := os.ReadFile(b.Summary())
	ok(t, err)
	if !bytes.Equal(text, again) {
		t.Error(cmp.Diff(string(text), string(again)))
	}
	read, err := ReadSummary(b.Summary())
	ok(t, err)
	if d := cmp.Diff(first, read, numbers(), cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(AgentStats{}), rawJSON()); d != "" {
		t.Error(d)
	}
}

// numbers takes what is written as null for the same.
func numbers() cmp.Option {
	return cmp.Comparer(func(a, b Number) bool { return a == b || !a.Defined() && !b.Defined() })
}

// rawJSON compares raw JSON by its values: the file is indented.
func rawJSON() cmp.Option {
	return cmp.Transformer("value", func(raw json.RawMessage) (v any) {
		_ = json.Unmarshal(raw, &v)
		return v
	})
}

// Damage is named, counted, and hides nothing else.
func TestDamagedBatch(t *testing.T) {
	b := newBatch(t, batchInfo(1, 4))
	for i := range 3 {
		play(t, b, "c01", i+1, played{survived: true})
	}
	ok(t, os.WriteFile(filepath.Join(b.RunDir("c01", 2), historyFile), []byte("\x00\x01\n"), 0o600))
	ok(t, os.WriteFile(filepath.Join(b.RunDir("c01", 3), ledgerFile), []byte("{\"crc\":\n"), 0o600))
	ok(t, os.Mkdir(b.RunDir("c01", 4), 0o755))
	s := summary(t, b, Options{Expect: []Expectation{{Text: "x", Judge: always(Passed)}}})
	c := s.Cells[0]
	if c.Runs != 4 || c.Valid != 2 || c.Unreadable != 2 || s.Verdict != ErrorVerdict || !s.HarnessFailed() || len(s.Problems) != 3 {
		t.Errorf("%+v\n%s %q", c, s.Verdict, s.Problems)
	}
	for i, name := range []string{"r002", "r003", "r004"} {
		if !strings.Contains(s.Problems[i], name) {
			t.Errorf("%q does not name %s", s.Problems[i], name)
		}
	}
	ok(t, os.Remove(filepath.Join(b.Dir, batchFile)))
	s = summary(t, b, Options{})
	if s.Cells[0].Valid != 2 || string(compactJSON(s.Cells[0].Params)) != `{"n":5}` || len(s.Problems) != 4 {
		t.Errorf("without batch.json: %+v %q", s.Cells, s.Problems)
	}
	if _, err := ReadBatch(t.TempDir()); err == nil {
		t.Error("an empty directory was read as a batch")
	}
}

func compactJSON(raw json.RawMessage) []byte {
	var b bytes.Buffer
	_ = json.Compact(&b, raw)
	return b.Bytes()
}

func TestEpisodes(t *testing.T) {
	info := batchInfo(1, 4)
	info.Memory = true
	b := newBatch(t, info)
	run := play(t, b, "c01", 2, played{survived: true})
	kept, err := ReadRun(run.Dir)
	ok(t, err)
	w, err := b.Episodes("c01")
	ok(t, err)
	for i := range 4 {
		e := Episode{Replicate: i + 1, Seed: 1<<64 - 1, Status: Completed, Reason: "max", Turns: 10, Conflicts: i,
			Outcomes: []history.NamedValue{{Name: "survived", Value: history.Value{V: i > 0}}},
			Scores:   map[string]float64{"a": float64(i)}, Draws: map[string]int{"x": 1}, Failures: map[string]int{"TIMEOUT": 1}}
		if i == 1 {
			e.History = kept.History
		}
		ok(t, w.Append(e))
	}
	ok(t, w.Close())
	c := summary(t, b, Options{}).Cells[0]
	if c.Valid != 4 || c.Outcomes["survived"].Value != 0.75 || c.Turns != 31 || c.Failures["TIMEOUT"].Count != 3 {
		t.Errorf("%+v", c)
	}
	// Negative control: a kept run that is not its episode's.
	ok(t, os.RemoveAll(run.Dir))
	play(t, b, "c01", 2, played{survived: false})
	if c := summary(t, b, Options{}).Cells[0]; c.Valid != 3 || c.Unreadable != 1 {
		t.Errorf("a kept run with another history: %+v", c)
	}
}

// Nothing that is undefined is 0 or passes.
func TestUndefinedIsNull(t *testing.T) {
	b := newBatch(t, batchInfo(1, 2))
	play(t, b, "c01", 1, played{})
	play(t, b, "c01", 2, played{total: []any{int64(1)}})
	s := summary(t, b, Options{Expect: []Expectation{{Text: "x", Judge: always(Passed)}, {Text: "no judge"}}})
	text, err := json.Marshal(s.Cells[0].Outcomes)
	ok(t, err)
	for _, want := range []string{`"survived":{"kind":"none","n":0,"undefined":2,"value":null,"low":null,"high":null`,
		`"total":{"kind":"mixed","n":1,"undefined":1,"value":null`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s\nis not in\n%s", want, text)
		}
	}
	if s.Verdict != Skipped || ExitCode(s.Verdict, false, 0) != ExitInconclusive {
		t.Errorf("an expectation that nobody judged: %s", s.Verdict)
	}
}

func TestVerdicts(t *testing.T) {
	fine, odd := played{survived: true}, played{status: Void}
	expect := func(j Judge) []Expectation { return []Expectation{{Text: "x", Judge: j}} }
	fail := func(CellStats) (Verdict, error) { return "", errors.New("survved is no outcome") }
	for name, c := range map[string]struct {
		runs []played
		o    Options
		want Verdict
		exit int
	}{
		"no expectation":                    {[]played{fine, fine}, Options{}, NoVerdict, 0},
		"no expectation, a void run":        {[]played{fine, odd}, Options{}, Inconclusive, 4},
		"no expectation, censored":          {[]played{fine, {status: Truncated}}, Options{}, Inconclusive, 4},
		"no expectation, one missing":       {[]played{fine}, Options{}, Inconclusive, 4},
		"nothing played":                    {nil, Options{Expect: expect(always(Passed))}, Inconclusive, 4},
		"passed":                            {[]played{fine, fine}, Options{Expect: expect(always(Passed))}, Passed, 0},
		"failed":                            {[]played{fine, fine}, Options{Expect: expect(always(Failed))}, Failed, 1},
		"the judge fails":                   {[]played{fine, fine}, Options{Expect: expect(fail)}, ErrorVerdict, 3},
		"the judge says nothing":            {[]played{fine, fine}, Options{Expect: expect(always(""))}, ErrorVerdict, 3},
		"the judge says none":               {[]played{fine, fine}, Options{Expect: expect(always(NoVerdict))}, ErrorVerdict, 3},
		"too many excluded":                 {[]played{fine, odd}, Options{Expect: expect(always(Passed))}, Inconclusive, 4},
		"too many excluded, would fail":     {[]played{fine, odd}, Options{Expect: expect(always(Failed))}, Inconclusive, 4},
		"harness before failed":             {[]played{fine, {status: HarnessFailed}}, Options{Expect: expect(always(Failed))}, ErrorVerdict, 3},
		"interrupted before everything":     {[]played{{status: HarnessFailed}}, Options{Interrupted: true}, InterruptedVerdict, 130},
		"failed before inconclusive":        {[]played{fine, fine}, Options{Expect: append(expect(always(Inconclusive)), expect(always(Failed))...)}, Failed, 1},
		"skipped does not count as passed":  {[]played{fine, fine}, Options{Expect: append(expect(always(Passed)), expect(nil)...)}, Skipped, 4},
		"inconclusive is not passed either": {[]played{fine, fine}, Options{Expect: append(expect(always(Passed)), expect(always(Inconclusive))...)}, Inconclusive, 4},
	} {
		b := newBatch(t, batchInfo(1, 2))
		for i, p := range c.runs {
			play(t, b, "c01", i+1, p)
		}
		s := summary(t, b, c.o)
		if exit := ExitCode(s.Verdict, s.HarnessFailed(), 0); s.Verdict != c.want || exit != c.exit {
			t.Errorf("%s: %s exit %d, want %s exit %d (%q)", name, s.Verdict, exit, c.want, c.exit, s.Reasons)
		}
	}
}

// A run that did not end although nobody stopped the batch (its wall time was used up,
// or the run's last word could not be written) is unknown: the batch is no interrupted
// one, and does not pass.
func TestRunWithoutAnEnd(t *testing.T) {
	info := batchInfo(1, 2)
	info.Excluded = 0.5
	b := newBatch(t, info)
	play(t, b, "c01", 1, played{survived: true})
	_, err := b.CreateRun(RunInfo{Cell: "c01", Replicate: 2})
	ok(t, err)
	for name, c := range map[string]struct {
		o    Options
		want Verdict
		exit int
	}{
		"nothing expected": {Options{}, Inconclusive, 4},
		"would pass":       {Options{Expect: []Expectation{{Text: "x", Judge: always(Passed)}}}, Inconclusive, 4},
		"fails":            {Options{Expect: []Expectation{{Text: "x", Judge: always(Failed)}}}, Failed, 1},
		"stopped":          {Options{Interrupted: true}, InterruptedVerdict, 130},
	} {
		s := summary(t, b, c.o)
		if exit := ExitCode(s.Verdict, s.HarnessFailed(), 0); s.Verdict != c.want || exit != c.exit || len(s.Reasons) == 0 {
			t.Errorf("%s: %s exit %d, want %s exit %d (%q)", name, s.Verdict, exit, c.want, c.exit, s.Reasons)
		}
	}
}

func TestWorstCellCounts(t *testing.T) {
	b := newBatch(t, batchInfo(2, 1))
	play(t, b, "c01", 1, played{survived: true})
	play(t, b, "c02", 1, played{survived: false})
	j := func(c CellStats) (Verdict, error) {
		if c.Samples["survived"].Estimate(c.Level).Value >= 0.5 && c.Params.(map[string]any)["n"] == int64(5) {
			return Passed, nil
		}
		return Failed, nil
	}
	s := summary(t, b, Options{Expect: []Expectation{{Text: "x", Judge: j}}})
	want := map[string]Verdict{"c01": Passed, "c02": Failed}
	if d := cmp.Diff(want, s.Expect[0].Cells); d != "" || s.Expect[0].Verdict != Failed {
		t.Error(d, s.Expect[0].Verdict)
	}
}

// Every row of the table of design section 8.
func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		v       Verdict
		harness bool
		signal  syscall.Signal
		want    int
	}{
		{Passed, false, 0, 0}, {NoVerdict, false, 0, 0}, {Failed, false, 0, 1}, {ErrorVerdict, false, 0, 3},
		{Inconclusive, false, 0, 4}, {Skipped, false, 0, 4}, {InterruptedVerdict, false, 0, 130},
		{Passed, true, 0, 3}, {Failed, true, 0, 3}, {Inconclusive, true, 0, 3}, {NoVerdict, true, 0, 3},
		{Passed, false, syscall.SIGINT, 130}, {Failed, true, syscall.SIGTERM, 143}, {"", false, 0, 3}, {"nonsense", false, 0, 3},
	} {
		if got := ExitCode(c.v, c.harness, c.signal); got != c.want {
			t.Errorf("ExitCode(%q, %v, %v) = %d, want %d", c.v, c.harness, c.signal, got, c.want)
		}
	}
	if Combine() != NoVerdict || Combine(Passed, "unknown") != ErrorVerdict {
		t.Error("Combine")
	}
}

func TestSchema(t *testing.T) {
	lax := compile(t, SummarySchema())
	strict := compile(t, closed(t, SummarySchema()))
	for name, s := range map[string]*Summary{
		"mixed": summary(t, mixedBatch(t), Options{Expect: []Expectation{{Text: "x", Judge: always(Passed)}}}),
		"empty": summary(t, newBatch(t, batchInfo(1, 1)), Options{}),
	} {
		text, err := json.Marshal(s)
		ok(t, err)
		for kind, schema := range map[string]*jsonschema.Schema{"lax": lax, "strict": strict} {
			if err := validate(schema, text); err != nil {
				t.Errorf("%s, %s: %v", name, kind, err)
			}
		}
		// Negative controls: each of these breaks the contract.
		for _, change := range [][2]string{{`"sandtable":1`, `"sandtable":2`}, {`"nanousd":`, `"nano_usd":`}, {`"turns":`, `"turns":"x","t":`},
			{`"verdict":"`, `"verdict":"un`}, {`"commits":`, `"commits":-1`}, {`"cells":[`, `"cells":[{},`}} {
			bad := strings.Replace(string(text), change[0], change[1], 1)
			if err := validate(lax, []byte(bad)); err == nil {
				t.Errorf("%s with %s is accepted", name, change[1])
			}
		}
	}
}

func compile(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	ok(t, err)
	c := jsonschema.NewCompiler()
	ok(t, c.AddResource("summary.json", doc))
	return c.MustCompile("summary.json")
}

func validate(s *jsonschema.Schema, text []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// closed forbids every field that the schema does not name, so that the schema is
// known to name them all.
func closed(t *testing.T, text []byte) []byte {
	t.Helper()
	var doc any
	ok(t, json.Unmarshal(text, &doc))
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if v["properties"] != nil && v["type"] == "object" {
				v["additionalProperties"] = false
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(doc)
	out, err := json.Marshal(doc)
	ok(t, err)
	return out
}

func TestSharesAreBounded(t *testing.T) {
	s := Sample{Kind: EmptyKind}
	for i := range 200 {
		s.add(strings.Repeat("x", i))
	}
	o := outcome(s, CellStats{Level: .95})
	if len(o.Shares) != maxShares || o.Others != 200-maxShares || len(o.Warnings) != 1 {
		t.Errorf("%d shares, %d others, %v", len(o.Shares), o.Others, o.Warnings)
	}
}

// Money is exact where floats are not: 2^53+1 nano-dollars, three times.
func TestMoneyIsExact(t *testing.T) {
	b := newBatch(t, batchInfo(1, 1))
	run := play(t, b, "c01", 1, played{nanousd: 1<<53 + 1})
	l, err := run.OpenLedger(jsonl.Options{})
	ok(t, err)
	ok(t, l.Append(LedgerRow{Agent: "a", NanoUSD: 1, Priced: true}))
	ok(t, l.Close())
	s := summary(t, b, Options{})
	ok(t, b.WriteSummary(s))
	read, err := ReadSummary(b.Summary())
	ok(t, err)
	if want := int64(3*(1<<53+1) + 1); read.Cells[0].NanoUSD != want {
		t.Errorf("%d, want %d", read.Cells[0].NanoUSD, want)
	}
}

// What is no summary of ours is refused and named, and what is missing in one is no panic.
func TestReadSummaryOfOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary.json")
	for text, want := range map[string]string{
		`{}`: "format 0", `{"sandtable":2,"verdict":"passed"}`: "format 2: this program reads format 1",
		`{"sandtable":1}`: "verdict", `{"sandtable":1,"verdict":"fine"}`: `"fine"`, `[]`: path, ``: path,
		`{"sandtable":1,"verdict":"none","cells":[{"agents":{"a":null}}]}`: "agents",
	} {
		ok(t, os.WriteFile(path, []byte(text), 0o600))
		if s, err := ReadSummary(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
	}
}

// An episode is a line of a file: an account that is null there is an empty one.
func TestEpisodeWithNullAccount(t *testing.T) {
	b := newBatch(t, batchInfo(1, 1))
	w, err := b.Episodes("c01")
	ok(t, err)
	ok(t, w.Append(json.RawMessage(`{"replicate":1,"status":"completed","agents":{"a":null,"b":{"turns":2}}}`)))
	ok(t, w.Close())
	c := summary(t, b, Options{}).Cells[0]
	if c.Valid != 1 || c.Agents["b"].Turns != 2 {
		t.Errorf("%+v", c)
	}
}

func TestMeasureNamesAreAlwaysThere(t *testing.T) {
	b := newBatch(t, batchInfo(1, 1))
	c := summary(t, b, Options{}).Cells[0]
	if got := sortedKeys(c.Measures); !slices.Equal(got, slices.Sorted(slices.Values(MeasureNames()))) {
		t.Error(got)
	}
}
