package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
)

// Streams is the seed tree of one run (D1, D2): every draw comes from a stream named
// by a path below scenario seed and replicate. The cell is not part of the path, so
// replicate k has the same streams in every cell.
type Streams struct {
	Seed      uint64
	Replicate int // from 1
}

// Key returns the key of the stream at path: SHA-256 over the length-prefixed
// components, seed and replicate first. Components are names and numbers in decimal,
// never indices of anything that may be reordered (D4).
func (s Streams) Key(path ...string) [32]byte {
	h := sha256.New()
	put := func(c string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(c)))
		h.Write(n[:])
		h.Write([]byte(c))
	}
	put("sandtable/1")
	put(strconv.FormatUint(s.Seed, 10))
	put(strconv.Itoa(s.Replicate))
	for _, c := range path {
		put(c)
	}
	var key [32]byte
	h.Sum(key[:0])
	return key
}

// Drawn is one logged draw of a [Dice].
type Drawn struct {
	Kind   string // int, float, choice, weighted, shuffle, sample
	Args   []any
	Result any
}

// Dice draws from one stream. It is not safe for concurrent use. The algorithms are
// written out here, not taken from a library, so that a toolchain upgrade cannot
// change a recorded run (D3): ChaCha8 is specified by its key, bounded integers are
// drawn by rejection, permutations by Fisher–Yates from the front.
type Dice struct {
	src *rand.ChaCha8
	log func(Drawn)
}

// NewDice returns the dice of a stream's key. log hears every draw; it may be nil.
func NewDice(key [32]byte, log func(Drawn)) *Dice {
	return &Dice{src: rand.NewChaCha8(key), log: log}
}

// below draws uniformly from [0, n) without modulo bias: values beyond the largest
// multiple of n that fits in 64 bits are drawn again.
func (d *Dice) below(n uint64) uint64 {
	limit := -n % n // 2^64 mod n
	for {
		if v := d.src.Uint64(); v >= limit {
			return v % n
		}
	}
}

func (d *Dice) note(kind string, args []any, result any) {
	if d.log != nil {
		d.log(Drawn{kind, args, result})
	}
}

// Int draws uniformly from lo to hi, both included. It panics if hi < lo.
func (d *Dice) Int(lo, hi int64) int64 {
	if hi < lo {
		panic("sim: Dice.Int: hi below lo")
	}
	v := int64(d.offset(uint64(hi-lo)) + uint64(lo))
	d.note("int", []any{lo, hi}, v)
	return v
}

// offset draws from [0, span], where span may be the whole range of 64 bits.
func (d *Dice) offset(span uint64) uint64 {
	if span == ^uint64(0) {
		return d.src.Uint64()
	}
	return d.below(span + 1)
}

// Float draws uniformly from [0, 1) in steps of 2^-53.
func (d *Dice) Float() float64 {
	v := d.float()
	d.note("float", nil, v)
	return v
}

func (d *Dice) float() float64 { return float64(d.src.Uint64()>>11) / (1 << 53) }

// Choice draws an index of a list of n > 0 elements.
func (d *Dice) Choice(n int) int {
	if n <= 0 {
		panic("sim: Dice.Choice: empty list")
	}
	v := int(d.below(uint64(n)))
	d.note("choice", []any{int64(n)}, int64(v))
	return v
}

// Weighted draws an index with probability proportional to its weight. Weights are
// finite and not negative, and their sum is positive; anything else panics.
func (d *Dice) Weighted(weights []float64) int {
	sum, args := 0.0, make([]any, len(weights))
	for i, w := range weights {
		if !(w >= 0) || w > maxWeight {
			panic("sim: Dice.Weighted: weights must be finite and not negative")
		}
		sum, args[i] = sum+w, w
	}
	if sum <= 0 {
		panic("sim: Dice.Weighted: weights must not all be zero")
	}
	v := pickWeighted(weights, d.float()*sum)
	d.note("weighted", args, int64(v))
	return v
}

const maxWeight = 1e300

// pickWeighted walks to the first positive weight whose running sum exceeds x; the
// last positive one catches what rounding leaves over.
func pickWeighted(weights []float64, x float64) int {
	last, run := 0, 0.0
	for i, w := range weights {
		if w <= 0 {
			continue
		}
		last, run = i, run+w
		if x < run {
			return i
		}
	}
	return last
}

// Shuffle draws a permutation of n indices.
func (d *Dice) Shuffle(n int) []int {
	p := d.permute(n, n)
	d.note("shuffle", []any{int64(n)}, intsValue(p))
	return p
}

// Sample draws k of n indices without replacement, in drawn order. It panics unless
// 0 <= k <= n.
func (d *Dice) Sample(n, k int) []int {
	if k < 0 || k > n {
		panic("sim: Dice.Sample: want 0 <= k <= n")
	}
	p := d.permute(n, k)
	d.note("sample", []any{int64(n), int64(k)}, intsValue(p))
	return p
}

// permute fixes the first k places of a permutation of n by Fisher–Yates.
func (d *Dice) permute(n, k int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := 0; i < k; i++ {
		j := i + int(d.below(uint64(n-i)))
		p[i], p[j] = p[j], p[i]
	}
	return p[:k]
}

func intsValue(p []int) []any {
	out := make([]any, len(p))
	for i, v := range p {
		out[i] = int64(v)
	}
	return out
}
