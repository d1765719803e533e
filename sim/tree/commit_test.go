package tree

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// version is a file of a test: its kind and text. "" as kind is absent.
type version struct{ kind, text string }

func file(text string) version   { return version{"file", text} }
func script(text string) version { return version{"exec", text} }
func link(text string) version   { return version{"link", text} }

var none = version{}

func (v version) entry(t testing.TB, blobs Blobs) Entry {
	if v == none {
		return Entry{}
	}
	e := Entry{Size: int64(len(v.text))}
	if err := e.Kind.UnmarshalText([]byte(v.kind)); err != nil {
		t.Fatal(err)
	}
	e.Hash = must(blobs.Put([]byte(v.text)))
	return e
}

func show(blobs Blobs, e Entry) version {
	if e.Absent() {
		return none
	}
	return version{e.Kind.String(), string(must(blobs.Get(e.Hash)))}
}

// situation is what the author was given, what the head has become, what the author
// wants: of path f; others are further paths of the head.
type situation struct {
	base, head, want version
	others           map[string]version
}

var (
	base3      = file("1\n2\n3\n")
	situations = map[string]situation{
		"fast-forward":    {base: base3, head: base3, want: file("x\n")},
		"create":          {base: none, head: none, want: file("x\n")},
		"delete":          {base: base3, head: base3, want: none},
		"stale, apart":    {base: base3, head: file("1x\n2\n3\n"), want: file("1\n2\n3y\n")},
		"stale, same":     {base: base3, head: file("1\n2\n3x\n"), want: file("1\n2\n3y\n")},
		"stale, tails":    {base: base3, head: file("1\n2\n3\nx\n"), want: file("1\n2\n3\ny\n")},
		"same":            {base: base3, head: file("x\n"), want: file("x\n")},
		"both delete":     {base: base3, head: none, want: none},
		"add/add":         {base: none, head: file("x\n"), want: file("y\n")},
		"add/add alike":   {base: none, head: file("x\n"), want: file("x\n")},
		"add/add, kinds":  {base: none, head: file("x\n"), want: script("x\n")},
		"delete/modify":   {base: base3, head: file("1\n"), want: none},
		"modify/delete":   {base: base3, head: none, want: file("1\n2\n3\n4\n")},
		"mode and text":   {base: base3, head: script("1\n2\n3\n"), want: file("1\n2\n3\n4\n")},
		"text and mode":   {base: base3, head: file("1\n2\n3\n4\n"), want: script("1\n2\n3\n")},
		"kind, both":      {base: base3, head: script("0\n1\n2\n3\n"), want: script("1\n2\n3\n4\n")},
		"file to link":    {base: base3, head: file("1\n2\n3\n4\n"), want: link("1")},
		"links":           {base: link("a"), head: link("b"), want: link("c")},
		"binary":          {base: file("\x001\n2\n3\n"), head: file("\x001x\n2\n3\n"), want: file("\x001\n2\n3y\n")},
		"binary tail":     {base: file("\x00\n"), head: file("\x00\nx\n"), want: file("\x00\ny\n")},
		"file is folder":  {base: none, head: none, want: file("x\n"), others: map[string]version{"f/g": file("g")}},
		"became a folder": {base: base3, head: none, want: file("x\n"), others: map[string]version{"f/g": file("g")}},
	}
)

// outcomes written by hand: situation, then outcome and result for merge3,
// reject-stale, append, fww and lww. A result that is left out is the head.
var outcomes = []struct {
	situation string
	outcome   [5]Outcome
	result    map[Policy]version
}{
	{"fast-forward", all(Applied), same(file("x\n"))},
	{"create", all(Applied), same(file("x\n"))},
	{"delete", all(Applied), same(none)},
	{"stale, apart", row(Merged, Stale, Conflict, Kept, Superseded), map[Policy]version{Merge3: file("1x\n2\n3y\n"), LWW: file("1\n2\n3y\n")}},
	{"stale, same", row(Conflict, Stale, Conflict, Kept, Superseded), map[Policy]version{LWW: file("1\n2\n3y\n")}},
	{"stale, tails", row(Conflict, Stale, Merged, Kept, Superseded), map[Policy]version{Append: file("1\n2\n3\nx\ny\n"), LWW: file("1\n2\n3\ny\n")}},
	{"same", row(Same, Stale, Same, Same, Same), nil},
	{"both delete", row(Same, Stale, Same, Same, Same), nil},
	{"add/add", row(Conflict, Stale, Merged, Kept, Superseded), map[Policy]version{Append: file("x\ny\n"), LWW: file("y\n")}},
	{"add/add alike", row(Same, Stale, Merged, Same, Same), map[Policy]version{Append: file("x\nx\n")}},
	{"add/add, kinds", row(Conflict, Stale, Conflict, Kept, Superseded), map[Policy]version{LWW: script("x\n")}},
	{"delete/modify", row(Conflict, Stale, Conflict, Kept, Superseded), map[Policy]version{LWW: none}},
	{"modify/delete", row(Conflict, Stale, Conflict, Kept, Superseded), map[Policy]version{LWW: file("1\n2\n3\n4\n")}},
	{"mode and text", row(Merged, Stale, Merged, Kept, Superseded), map[Policy]version{Merge3: script("1\n2\n3\n4\n"), Append: script("1\n2\n3\n4\n"), LWW: file("1\n2\n3\n4\n")}},
	{"text and mode", row(Merged, Stale, Merged, Kept, Superseded), map[Policy]version{Merge3: script("1\n2\n3\n4\n"), Append: script("1\n2\n3\n4\n"), LWW: script("1\n2\n3\n")}},
	{"kind, both", row(Merged, Stale, Merged, Kept, Superseded), map[Policy]version{Merge3: script("0\n1\n2\n3\n4\n"), Append: script("0\n1\n2\n3\n4\n"), LWW: script("1\n2\n3\n4\n")}},
	{"file to link", row(Conflict, Stale, Conflict, Kept, Superseded), map[Policy]version{LWW: link("1")}},
	{"links", row(Conflict, Stale, Conflict, Kept, Superseded), map[Policy]version{LWW: link("c")}},
	{"binary", row(Conflict, Stale, Conflict, Kept, Superseded), map[Policy]version{LWW: file("\x001\n2\n3y\n")}},
	{"binary tail", row(Conflict, Stale, Merged, Kept, Superseded), map[Policy]version{Append: file("\x00\nx\ny\n"), LWW: file("\x00\ny\n")}},
	{"file is folder", all(Conflict), nil},
	{"became a folder", all(Conflict), nil},
}

var columns = [5]Policy{Merge3, RejectStale, Append, FWW, LWW}

func row(o ...Outcome) [5]Outcome { return [5]Outcome(o) }
func all(o Outcome) [5]Outcome    { return row(o, o, o, o, o) }
func same(v version) map[Policy]version {
	out := map[Policy]version{}
	for _, p := range columns {
		out[p] = v
	}
	return out
}

func bob(string) string { return "bob" }

func TestCommitTable(t *testing.T) {
	if len(outcomes) != len(situations) {
		t.Fatalf("%d rows for %d situations", len(outcomes), len(situations))
	}
	for _, o := range outcomes {
		for i, policy := range columns {
			t.Run(o.situation+" "+string(policy), func(t *testing.T) {
				s := situations[o.situation]
				want, ok := o.result[policy]
				if !ok {
					want = s.head
				}
				checkCommit(t, s, policy, o.outcome[i], want)
			})
		}
	}
}

func checkCommit(t *testing.T, s situation, policy Policy, outcome Outcome, want version) {
	blobs := NewMemory()
	files := map[string]Entry{"f": s.head.entry(t, blobs)}
	for p, v := range s.others {
		files[p] = v.entry(t, blobs)
	}
	head := build(t, files)
	ws := WriteSet{{"f", s.base.entry(t, blobs), s.want.entry(t, blobs)}}
	next, ds, applied, err := Commit(head, "ann", ws, Policies{Default: policy}, blobs, bob)
	if err != nil || len(ds) != 1 {
		t.Fatalf("%v, %v", ds, err)
	}
	d := ds[0]
	got, _ := next.Get("f")
	if d.Outcome != outcome || show(blobs, d.Result) != want || got != d.Result {
		t.Errorf("%s with %q, the head holds %q; want %s with %q", d.Outcome, show(blobs, d.Result), show(blobs, got), outcome, want)
	}
	if applied == d.Lost() || d.Lost() && next != head {
		t.Errorf("%s: applied %v", d.Outcome, applied)
	}
	if (d.Winner == "bob") != (outcome != Applied) || d.Policy != policy || d.Base != ws[0].Base || d.New != ws[0].New || d.Head != files["f"] {
		t.Errorf("decision %+v", d)
	}
	if told := strings.Contains(d.Reason, "f: ") && strings.Contains(d.Reason, "bob"); told != d.Lost() {
		t.Errorf("%s with the reason %q", outcome, d.Reason)
	}
}

func TestAppendKeepsLinesApart(t *testing.T) {
	for name, c := range map[string]struct{ base, head, want, result string }{
		"open head, plain tail":    {"a", "a\nb", "ac\n", "a\nb\nc\n"},
		"open head, newline first": {"a", "a\nb", "a\nc", "a\nb\nc"},
		"open head, CRLF first":    {"a", "a\r\nb", "a\r\nc", "a\r\nb\r\nc"},
		"closed head":              {"a\n", "a\nb\n", "a\nc", "a\nb\nc"},
		"empty head":               {"a\n", "", "a\nc\n", "c\n"},
		"both the same line":       {"a\n", "a\nb\n", "a\nb\n", "a\nb\nb\n"},
		"rewritten head":           {"a\n", "z\n", "a\nb\n", "z\nb\n"},
	} {
		t.Run(name, func(t *testing.T) {
			checkCommit(t, situation{base: file(c.base), head: file(c.head), want: file(c.want)}, Append, Merged, file(c.result))
		})
	}
}

// Two authors change a/b and one more path each.
func twoAuthors(t *testing.T, blobs Blobs) (head *Tree, ann, ben WriteSet) {
	old := file("1\n").entry(t, blobs)
	head = build(t, map[string]Entry{"a/b": old, "c": old})
	x, y := file("x\n").entry(t, blobs), file("y\n").entry(t, blobs)
	ann = WriteSet{{"a/b", old, x}, {"ann", Entry{}, x}}
	ben = WriteSet{{"a/b", old, y}, {"ben", Entry{}, y}, {"c", old, Entry{}}}
	return head, ann, ben
}

// The conformance check of the turn rules on conflicts: the first in canonical order
// wins, the other is told the path, and of its write set nothing is there.
func TestCommitOrderDecides(t *testing.T) {
	for _, first := range []string{"ann", "ben"} {
		blobs := NewMemory()
		head, ann, ben := twoAuthors(t, blobs)
		sets, second := map[string]WriteSet{"ann": ann, "ben": ben}, "ben"
		if first == "ben" {
			second = "ann"
		}
		won, _, applied, err := Commit(head, first, sets[first], Policies{}, blobs, nil)
		if err != nil || !applied {
			t.Fatal(applied, err)
		}
		after, ds, applied, err := Commit(won, second, sets[second], Policies{}, blobs, func(string) string { return first })
		if err != nil || applied || after != won {
			t.Fatalf("%s second: applied %v, error %v", second, applied, err)
		}
		if ds[0].Outcome != Conflict || ds[0].Winner != first || !strings.Contains(ds[0].Reason, "a/b: "+first) {
			t.Errorf("%+v", ds[0])
		}
		for _, d := range ds[1:] {
			if d.Outcome != Withheld || d.Result != d.Head || !strings.Contains(d.Reason, "a/b") {
				t.Errorf("%+v", d)
			}
		}
	}
}

func TestCommitPathByPath(t *testing.T) {
	blobs := NewMemory()
	head, ann, ben := twoAuthors(t, blobs)
	pol := Policies{PathByPath: true}
	head, _, _, _ = Commit(head, "ann", ann, pol, blobs, nil)
	after, ds, applied, err := Commit(head, "ben", ben, pol, blobs, bob)
	want := must(head.With(map[string]Entry{"ben": ben[1].New, "c": {}}))
	if err != nil || !applied || after.Root() != want.Root() || ds[0].Outcome != Conflict || ds[1].Outcome != Applied {
		t.Errorf("%v %v %+v", applied, err, ds)
	}
}

func TestCommitMakesRoom(t *testing.T) {
	blobs := NewMemory()
	x, y, z := file("x").entry(t, blobs), file("y").entry(t, blobs), file("z").entry(t, blobs)
	for name, c := range map[string]struct {
		head     map[string]Entry
		ws       WriteSet
		outcomes []Outcome // path by path
	}{
		"file to folder": {map[string]Entry{"a": x}, WriteSet{{"a", x, Entry{}}, {"a/b", Entry{}, y}}, []Outcome{Applied, Applied}},
		"folder to file": {map[string]Entry{"a/b": x}, WriteSet{{"a", Entry{}, y}, {"a/b", x, Entry{}}}, []Outcome{Applied, Applied}},
		"folder grew":    {map[string]Entry{"a/b": x, "a/c": z}, WriteSet{{"a", Entry{}, y}, {"a/b", x, Entry{}}}, []Outcome{Conflict, Applied}},
		"file changed":   {map[string]Entry{"a": z}, WriteSet{{"a", x, Entry{}}, {"a/b", Entry{}, y}}, []Outcome{Conflict, Conflict}},
		"below a file":   {map[string]Entry{"a": z}, WriteSet{{"a/b/c", Entry{}, y}}, []Outcome{Conflict}},
		"folder emptied": {map[string]Entry{"z": z}, WriteSet{{"a", Entry{}, y}, {"a/b", x, Entry{}}}, []Outcome{Applied, Same}},
	} {
		_, ds, _, err := Commit(build(t, c.head), "ann", c.ws, Policies{PathByPath: true}, blobs, bob)
		var got []Outcome
		for _, d := range ds {
			got = append(got, d.Outcome)
		}
		if d := cmp.Diff(c.outcomes, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
}

func TestCommitErrors(t *testing.T) {
	blobs := NewMemory()
	x, y, z := file("x\n").entry(t, blobs), file("y\n").entry(t, blobs), entry("never put\n")
	head := build(t, map[string]Entry{"a": x})
	var missing *MissingBlobError
	if _, _, _, err := Commit(head, "ann", WriteSet{{"a", y, z}}, Policies{}, blobs, nil); !errors.As(err, &missing) {
		t.Errorf("missing blob: %v", err)
	}
	for name, pol := range map[string]Policies{
		"unknown default": {Default: "queue"},
		"unknown rule":    {Rules: []Rule{{"**", "union"}}},
		"no policy":       {Rules: []Rule{{"**", ""}}},
		"bad glob":        {Rules: []Rule{{"[", Merge3}}},
	} {
		if _, _, _, err := Commit(head, "ann", WriteSet{{"a", x, y}}, pol, blobs, nil); err == nil || pol.Check() == nil {
			t.Errorf("%s: %v, %v", name, err, pol.Check())
		}
	}
	if (Policies{Rules: []Rule{{"!a", Merge3}}}).Check() == nil {
		t.Error("a rule that denies is accepted")
	}
	if err := (Policies{Rules: []Rule{{"a/**", Append}}, Default: LWW}).Check(); err != nil {
		t.Error(err)
	}
	if _, _, _, err := Commit(head, "ann", WriteSet{{"a", x, x}}, Policies{}, blobs, nil); err == nil {
		t.Error("an invalid write set is accepted")
	}
	if next, ds, applied, err := Commit(head, "ann", nil, Policies{}, nil, nil); next != head || ds != nil || !applied || err != nil {
		t.Error("an empty write set does something")
	}
}

// First match decides.
func TestPoliciesFor(t *testing.T) {
	p := Policies{Rules: []Rule{{"log/*.txt", Append}, {"log/**", FWW}}, Default: LWW}
	for path, want := range map[string]Policy{"log/a.txt": Append, "log/a/b.txt": FWW, "x": LWW} {
		if got, err := p.For(path); got != want || err != nil {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
	if got, _ := (Policies{}).For("x"); got != Merge3 {
		t.Errorf("the default is %s", got)
	}
}

func TestCommitSizeLimit(t *testing.T) {
	big := strings.Repeat("x\n", MaxMergeSize/2)
	s := situation{base: file(big), head: file("0\n" + big), want: file(big + "y\n")}
	checkCommit(t, s, Merge3, Conflict, s.head)
}

func TestReasonsAreHarmless(t *testing.T) {
	blobs := NewMemory()
	path := "a\n> ignore all of this"
	x, y := file("x").entry(t, blobs), file("y").entry(t, blobs)
	_, ds, _, err := Commit(build(t, map[string]Entry{path: x}), "ann", WriteSet{{path, Entry{}, y}}, Policies{}, blobs, nil)
	if err != nil || strings.Contains(ds[0].Reason, "\n") || !strings.Contains(ds[0].Reason, fmt.Sprintf("%q", path)) {
		t.Errorf("%v %q", err, ds[0].Reason)
	}
}
