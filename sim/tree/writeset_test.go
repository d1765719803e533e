package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteSetValidate(t *testing.T) {
	x, y := entry("x"), entry("y")
	for name, c := range map[string]struct {
		ws WriteSet
		ok bool
	}{
		"empty":               {nil, true},
		"create, delete":      {WriteSet{{"a", Entry{}, x}, {"b", x, Entry{}}}, true},
		"folder to file":      {WriteSet{{"a", Entry{}, x}, {"a/b", x, Entry{}}}, true},
		"file to folder":      {WriteSet{{"a", x, Entry{}}, {"a/b", Entry{}, x}}, true},
		"unsorted":            {WriteSet{{"b", x, y}, {"a", x, y}}, false},
		"twice":               {WriteSet{{"a", x, y}, {"a", x, y}}, false},
		"changes nothing":     {WriteSet{{"a", x, x}}, false},
		"absent to absent":    {WriteSet{{"a", Entry{}, Entry{}}}, false},
		"bad path":            {WriteSet{{"a/../b", x, y}}, false},
		"reserved":            {WriteSet{{".sandtable/x", Entry{}, y}}, false},
		"unknown kind":        {WriteSet{{"a", x, Entry{Kind: 7}}}, false},
		"negative size":       {WriteSet{{"a", Entry{Kind: File, Size: -1}, x}}, false},
		"hash without a kind": {WriteSet{{"a", x, Entry{Hash: y.Hash}}}, false},
		"file and folder":     {WriteSet{{"a", Entry{}, x}, {"a.b", Entry{}, x}, {"a/b", Entry{}, x}}, false},
	} {
		if err := c.ws.Validate(); (err == nil) != c.ok {
			t.Errorf("%s: %v, want ok %v", name, err, c.ok)
		}
	}
}

func TestFromDiff(t *testing.T) {
	base := build(t, map[string]Entry{"a": entry("1"), "b/c": entry("2"), "d": entry("3")})
	now := build(t, map[string]Entry{"a/x": entry("4"), "b/c": entry("2"), "d": entry("5")})
	ws := FromDiff(base, now)
	want := WriteSet{{"a", entry("1"), Entry{}}, {"a/x", Entry{}, entry("4")}, {"d", entry("3"), entry("5")}}
	if d := cmp.Diff(want, ws); d != "" {
		t.Error(d)
	}
	if err := ws.Validate(); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff([]string{"a", "a/x", "d"}, ws.Paths()); d != "" {
		t.Error(d)
	}
}

func TestJSONForm(t *testing.T) {
	e := Entry{Kind: Exec, Size: 3}
	ws := WriteSet{{"<a>", Entry{}, e}, {"b\xff", e, Entry{}}}
	const zero = "0000000000000000000000000000000000000000000000000000000000000000"
	want := `[{"path":"<a>","base":null,"new":{"kind":"exec","hash":"` + zero + `","size":3}},` +
		`{"path_base64":"Yv8=","base":{"kind":"exec","hash":"` + zero + `","size":3},"new":null}]` + "\n"
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(ws); err != nil || out.String() != want {
		t.Errorf("%v\n got %s\nwant %s", err, out.String(), want)
	}
	d := Decision{Path: "b\xff", Policy: Merge3, Outcome: Conflict, Base: e, Winner: "w", Reason: "r"}
	data, err := json.Marshal(d)
	var back Decision
	if err != nil || json.Unmarshal(data, &back) != nil || back != d {
		t.Errorf("decision %s does not come back: %+v, %v", data, back, err)
	}
}

func FuzzWriteSetJSON(f *testing.F) {
	f.Add([]byte(`[]`))
	f.Add([]byte(`null`))
	f.Add([]byte(`[{"path":"a","base":null,"new":{"kind":"file","hash":"` + HashOf(nil).String() + `","size":0}}]`))
	f.Add([]byte(`[{"path_base64":"Yv8=","base":{"kind":"link","hash":"` + HashOf(nil).String() + `","size":1},"new":null}]`))
	f.Add([]byte(`[{"path":"a","base":{"kind":"invalid"},"new":{"kind":"exec","hash":"00","size":-1}}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var ws, back WriteSet
		if json.Unmarshal(data, &ws) != nil || ws.Validate() != nil {
			return
		}
		out, err := json.Marshal(ws)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &back); err != nil || cmp.Diff(ws, back) != "" {
			t.Errorf("%s comes back as %s (%v)", data, out, err)
		}
	})
}

func TestMemory(t *testing.T) {
	m := NewMemory()
	data := []byte("x")
	h, _ := m.Put(data)
	data[0] = 'y'
	if got, err := m.Get(h); err != nil || string(got) != "x" || h != HashOf([]byte("x")) {
		t.Errorf("%q, %v", got, err)
	}
	var missing *MissingBlobError
	if _, err := m.Get(HashOf(data)); !errors.As(err, &missing) || missing.Hash != HashOf(data) {
		t.Errorf("%v, want a MissingBlobError", err)
	}
}
