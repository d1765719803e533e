package gateway

import (
	"unicode/utf8"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// The rule of usage, for replies that do not state theirs. It counts characters (Unicode
// code points), four to a token, rounded up, at least one:
//
//   - input: the texts, tool names, tool inputs (canonical JSON) and tool results of the
//     [conversation], from its beginning. The system prompt, the tools' descriptions and
//     everything that the client inserts are left out, and the machine's paths count as
//     "." and "~": the same moves give the same number on any machine, on any day, in any
//     directory. Nothing is ever read from or written to a cache.
//   - output: the texts, tool names and tool inputs of the reply.
//
// Input is capped: clients that see a large prompt start compacting it, by requests that
// nobody scripted.
const (
	charsPerToken = 4
	mostInput     = 20_000
	unstated      = -1
)

func inputRule(c *conversation) int64 { return min(tokensOf(c.size()), mostInput) }

func outputRule(parts []part) int64 {
	n := 0
	for _, p := range parts {
		n += utf8.RuneCountInString(p.text) + utf8.RuneCountInString(p.tool)
		if p.tool != "" {
			n += utf8.RuneCount(canonical(p.input))
		}
	}
	return tokensOf(n)
}

func tokensOf(chars int) int64 { return max(1, int64((chars+charsPerToken-1)/charsPerToken)) }

// canonical is the canonical JSON of a value that came out of JSON or Starlark by way of
// expr, and therefore has one.
func canonical(v any) []byte {
	data, err := expr.Canonical(v)
	if err != nil {
		panic("gateway: a JSON value has no JSON: " + err.Error())
	}
	return data
}
