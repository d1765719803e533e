package gateway

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the price table
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"strings"
)

// published is the price table as of its own date. Rates are whole nano-dollars per
// token: one dollar per million tokens is 1,000.
//
//go:embed prices.json
var published []byte

// Rates are prices in nano-dollars per token (Tokens' classes hold the prices).
type Rates = Tokens

// Prices is a table of prices by model. It is immutable.
type Prices struct {
	date   string
	digest string
	models map[string]priced
}

type priced struct {
	rates  Rates
	long   *longTier
	source string
}

// longTier are the rates of a response whose whole prompt, cache included, is longer
// than Above tokens. They hold for all of its tokens, not only for those beyond.
type longTier struct {
	Above int64
	Rates Rates
}

type priceFile struct {
	Date    string            `json:"date"`
	Unit    string            `json:"unit"`
	Sources map[string]string `json:"sources"`
	Models  []struct {
		IDs    []string `json:"ids"`
		Source string   `json:"source"`
		Rates  rateFile `json:"rates"`
		Long   *struct {
			Above int64    `json:"above"`
			Rates rateFile `json:"rates"`
		} `json:"long"`
	} `json:"models"`
}

// rateFile is rates as written: all five have to be there, for a class that was forgotten
// would be free.
type rateFile map[string]int64

const (
	priceUnit = "nano-dollars per token"
	// maxRate bounds a rate, a thousand dollars for a million tokens, and maxTokens a count
	// of one response, a thousand times the longest prompt there is. Five products of them
	// stay below 2^63, and so does a sum of a thousand times as much.
	maxRate   = 1_000_000
	maxTokens = 1_000_000_000
)

// DefaultPrices returns the table that comes with the program.
func DefaultPrices() *Prices {
	p, err := parsePrices(published)
	if err != nil {
		panic("gateway: prices.json: " + err.Error()) // a fault of the build: a test parses it
	}
	p.digest = hashOf(published)
	return p
}

// LoadPrices returns the program's table with the entries of a file laid over it, in the
// same form as prices.json: an id that the file names has the file's prices, all others
// keep theirs. The table's date is the file's.
func LoadPrices(path string) (*Prices, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("price table: %w", err)
	}
	over, err := parsePrices(data)
	if err != nil {
		return nil, fmt.Errorf("price table %s: %w", path, err)
	}
	p := DefaultPrices()
	p.date, p.digest = over.date, hashOf(published, data)
	maps.Copy(p.models, over.models)
	return p, nil
}

// Date is the day of the prices, as the table states it.
func (p *Prices) Date() string { return p.date }

// Digest is the SHA-256 of all that the table was read from, in hex.
func (p *Prices) Digest() string { return p.digest }

func hashOf(parts ...[]byte) string {
	h := sha256.New()
	for _, b := range parts {
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Source says where a model's prices come from ("P", "C", "C*" in the program's table),
// and whether the table knows the model.
func (p *Prices) Source(model string) (string, bool) {
	m, ok := p.models[bareModel(model)]
	return m.source, ok
}

// Cost returns the price of one response, and whether the table knows the model. Ids may
// be bare, dated (-20251001) and marked for the long context ([1m], same price).
func (p *Prices) Cost(model string, t Tokens) (nanousd int64, ok bool) {
	m, ok := p.models[bareModel(model)]
	if !ok {
		return 0, false
	}
	r := m.rates
	if m.long != nil && t.Prompt() > m.long.Above {
		r = m.long.Rates
	}
	return t.Input*r.Input + t.Output*r.Output + t.CacheWrite5m*r.CacheWrite5m +
		t.CacheWrite1h*r.CacheWrite1h + t.CacheRead*r.CacheRead, true
}

var dated = regexp.MustCompile(`-20\d{6}$`)

func bareModel(id string) string {
	return dated.ReplaceAllString(strings.TrimSuffix(id, "[1m]"), "")
}

func parsePrices(data []byte) (*Prices, error) {
	var f priceFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the table")
	}
	return f.table()
}

func (f *priceFile) table() (*Prices, error) {
	if f.Unit != priceUnit {
		return nil, fmt.Errorf("unit: want %q, have %q", priceUnit, f.Unit)
	}
	if f.Date == "" {
		return nil, errors.New("date: missing; state the day of the prices")
	}
	p := &Prices{date: f.Date, models: map[string]priced{}}
	for i, m := range f.Models {
		entry := priced{source: m.Source}
		var err error
		if entry.rates, err = m.Rates.rates(); err == nil && m.Long != nil {
			entry.long = &longTier{Above: m.Long.Above}
			entry.long.Rates, err = m.Long.Rates.rates()
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("models[%d]: %w", i, err)
		case len(m.IDs) == 0:
			return nil, fmt.Errorf("models[%d]: needs ids", i)
		case m.Long != nil && m.Long.Above < 1:
			return nil, fmt.Errorf("models[%d]: long.above: %d is not positive", i, m.Long.Above)
		}
		for _, id := range m.IDs {
			if _, twice := p.models[id]; twice || id == "" || id != bareModel(id) {
				return nil, fmt.Errorf("models[%d]: id %q is empty, dated, or there twice", i, id)
			}
			p.models[id] = entry
		}
	}
	return p, nil
}

func (f rateFile) rates() (Rates, error) {
	var r Rates
	classes := map[string]*int64{"input": &r.Input, "output": &r.Output,
		"cache_write_5m": &r.CacheWrite5m, "cache_write_1h": &r.CacheWrite1h, "cache_read": &r.CacheRead}
	for name, v := range f {
		if classes[name] == nil {
			return r, fmt.Errorf("rates: %q is no class of tokens", name)
		}
		if v < 0 || v > maxRate {
			return r, fmt.Errorf("rates: %s: %d is not within 0 to %d %s", name, v, maxRate, priceUnit)
		}
		*classes[name] = v
	}
	if len(f) != len(classes) {
		return r, errors.New("rates: needs input, output, cache_write_5m, cache_write_1h and cache_read")
	}
	return r, nil
}
