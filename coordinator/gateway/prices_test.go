package gateway

import (
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// listed are the prices in the form in which they are published: dollars per million
// tokens. Input, output, 5 minute write, 1 hour write, read.
const listed = `
claude-fable-5 claude-mythos-5 | 10 50 12.50 20 1
claude-opus-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6 claude-opus-4-5 | 5 25 6.25 10 0.50
claude-opus-4-1 claude-opus-4 | 15 75 18.75 30 1.50
claude-sonnet-5 | 2 10 2.50 4 0.20
claude-sonnet-4-6 claude-sonnet-4-5 claude-sonnet-4 | 3 15 3.75 6 0.30
claude-haiku-4-5 | 1 5 1.25 2 0.10
claude-3-5-haiku | 0.80 4 1 1.60 0.08
claude-opus-5-5 | 4 20 5 8 0.20
claude-sonnet-5-5 | 2 10 2.50 4 0.10
claude-haiku-5-5 | 0.10 0.50 0.125 0.20 0.01
claude-fable-5-2 claude-mythos-5-2 | 8 40 10 16 0.20
claude-fable-5-1 claude-mythos-5-1 | 10 50 12.50 20 0.25
`

// dollars is n tokens at a listed price, in nano-dollars, by rational numbers.
func dollars(t *testing.T, price string, n int64) int64 {
	t.Helper()
	p, ok := new(big.Rat).SetString(price)
	if !ok {
		t.Fatalf("price %q", price)
	}
	p.Mul(p, new(big.Rat).SetInt64(n*1000)) // 1e9 nano-dollars, 1e6 tokens
	if !p.IsInt() {
		t.Fatalf("%s for %d tokens is no whole number of nano-dollars", price, n)
	}
	return p.Num().Int64()
}

// one is a single token of each class in turn.
var one = [5]Tokens{{Input: 1}, {Output: 1}, {CacheWrite5m: 1}, {CacheWrite1h: 1}, {CacheRead: 1}}

func TestPublishedPrices(t *testing.T) {
	p, models := DefaultPrices(), 0
	for _, line := range strings.Split(strings.TrimSpace(listed), "\n") {
		ids, list, _ := strings.Cut(line, " | ")
		for _, id := range strings.Fields(ids) {
			models++
			for _, form := range []string{id, id + "-20251001", id + "[1m]", id + "-20251001[1m]"} {
				for class, price := range strings.Fields(list) {
					got, ok := p.Cost(form, one[class])
					if want := dollars(t, price, 1); !ok || got != want {
						t.Errorf("%s, class %d: %d (%v), want %d", form, class, got, ok, want)
					}
				}
			}
		}
	}
	// The aliases that end in -0 and the newer form of one id are in the file besides.
	if models+3 != len(p.models) {
		t.Errorf("the table has %d ids, the list %d", len(p.models), models)
	}
}

// TestLongPrompt: the tier is decided by the whole prompt and holds for all classes.
func TestLongPrompt(t *testing.T) {
	p := DefaultPrices()
	for _, tc := range []struct {
		tokens Tokens
		want   int64
	}{
		{Tokens{Input: 100_000, Output: 10}, 100_000*100 + 10*500},
		{Tokens{Input: 100_001, Output: 10}, 100_001*500 + 10*2500},
		{Tokens{Input: 1, CacheRead: 100_000, CacheWrite5m: 2, CacheWrite1h: 3}, 500 + 100_000*50 + 2*625 + 3*1000},
		{Tokens{Output: 200_000}, 200_000 * 500},
	} {
		if got, ok := p.Cost("claude-haiku-5-5", tc.tokens); !ok || got != tc.want {
			t.Errorf("%+v: %d, want %d", tc.tokens, got, tc.want)
		}
	}
}

// TestMeasuredCharges: a transcript's turn of claude-opus-5-5, for which the real client
// charged $0.0242.
func TestMeasuredCharges(t *testing.T) {
	p := DefaultPrices()
	got, _ := p.Cost("claude-opus-5-5", Tokens{Input: 4000, Output: 168, CacheWrite5m: 600, CacheWrite1h: 200, CacheRead: 1200})
	// 4000*4 + 168*20 + 600*5 + 200*8 + 1200*0.2 = 24,200 millionths of a dollar
	if got != 24_200_000 {
		t.Errorf("%d nano-dollars, want 24,200,000", got)
	}
}

// TestSumsHaveRoom: the dearest response that is taken may come a thousand times over
// before a sum of nano-dollars or of tokens leaves an int64.
func TestSumsHaveRoom(t *testing.T) {
	most := big.NewInt(1000)
	for _, n := range []int64{maxTokens, maxRate, 5} {
		most.Mul(most, big.NewInt(n))
	}
	if !most.IsInt64() {
		t.Errorf("a thousand responses may cost %s nano-dollars", most)
	}
}

func TestUnknownModel(t *testing.T) {
	p := DefaultPrices()
	for _, id := range []string{"", "claude-foo-9", "claude-opus", "claude-opus-5-5x", "opus", "claude-opus-5-5-latest", "claude-opus-5-5-2025100"} {
		if got, ok := p.Cost(id, Tokens{Input: 1}); ok || got != 0 {
			t.Errorf("%q has a price: %d", id, got)
		}
	}
	if src, ok := p.Source("claude-haiku-5-5-20261001"); src != "C" || !ok {
		t.Errorf("source %q", src)
	}
	if p.Date() != "2026-08-22" {
		t.Errorf("date %q", p.Date())
	}
}

func TestLoadPrices(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "p.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const rates = `"rates":{"input":1,"output":2,"cache_write_5m":3,"cache_write_1h":4,"cache_read":5}`
	head := `{"date":"2030-01-01","unit":"nano-dollars per token","models":[`
	p, err := LoadPrices(file(head + `{"ids":["claude-foo-9","claude-opus-5-5"],` + rates + `}]}`))
	if err != nil {
		t.Fatal(err)
	}
	foo, _ := p.Cost("claude-foo-9", Tokens{1, 1, 1, 1, 1})
	opus, _ := p.Cost("claude-opus-5-5", Tokens{Output: 1})
	kept, _ := p.Cost("claude-sonnet-5", Tokens{Input: 1})
	if foo != 15 || opus != 2 || kept != 2000 || p.Date() != "2030-01-01" {
		t.Errorf("foo %d, opus %d, kept %d, date %s", foo, opus, kept, p.Date())
	}
	for _, bad := range []string{
		"", "{}", "[]", head + `]} x`,
		head + `{"ids":[],` + rates + `}]}`,
		head + `{"ids":["x"],"rates":{"input":1}}]}`,
		head + `{"ids":["x"],"rates":{"input":1,"output":2,"cache_write_5m":3,"cache_write_1h":4,"read":5}}]}`,
		head + `{"ids":["x"],"rates":{"input":-1,"output":2,"cache_write_5m":3,"cache_write_1h":4,"cache_read":5}}]}`,
		head + `{"ids":["x"],"rates":{"input":1.5,"output":2,"cache_write_5m":3,"cache_write_1h":4,"cache_read":5}}]}`,
		head + `{"ids":["x","x"],` + rates + `}]}`,
		head + `{"ids":["x-20250101"],` + rates + `}]}`,
		head + `{"ids":["x"],"long":{"above":0,` + rates + `},` + rates + `}]}`,
		head + `{"ids":["x"],"prices":{},` + rates + `}]}`,
		`{"date":"2030-01-01","unit":"dollars","models":[]}`,
		`{"unit":"nano-dollars per token","models":[]}`,
	} {
		if _, err := LoadPrices(file(bad)); err == nil {
			t.Errorf("taken: %s", bad)
		}
	}
	if _, err := LoadPrices(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was taken")
	}
}
