package sim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// What comes from outside the engine is checked where it comes in. A JSON value is nil,
// bool, int64, float64, string, []any or map[string]any: an int or a []string would be
// shown, compared and recorded in more than one way.

// Bounds of an action. What an agent nests must still have room in a state that holds
// it, or an agent could make the world fail; and a small value in memory may stand for
// an enormous text, where parts of it are shared.
const (
	maxActionDepth = 32
	maxActionNodes = 1 << 20
)

// jsonFault says why v is no JSON value within the bounds; "" if it is one. The text
// depends on the value alone: only a bad value is walked in sorted order.
func jsonFault(v any, depth, nodes int) (text string, bound bool) {
	if w := (walk{nodes: nodes}); w.good(v, depth) {
		return "", false
	}
	w := walk{nodes: nodes, sorted: true}
	w.good(v, depth)
	return w.where() + w.text, w.bound
}

// walk goes through a value until something is wrong with it.
type walk struct {
	nodes  int // that may still be visited
	sorted bool
	text   string
	bound  bool     // the value is too deep or too large, not wrong
	steps  []string // to the fault, from the inside out
}

func (w *walk) fail(format string, args ...any) bool {
	w.text = fmt.Sprintf(format, args...)
	return false
}

func (w *walk) good(v any, depth int) bool {
	w.nodes--
	if depth < 0 || w.nodes < 0 {
		w.bound = true
		return w.fail("nested too deep, or too large")
	}
	switch v := v.(type) {
	case nil, bool, int64:
		return true
	case string:
		return utf8.ValidString(v) || w.fail("a text that is not UTF-8")
	case float64:
		return !math.IsNaN(v) && !math.IsInf(v, 0) || w.fail("%v is no JSON number", v)
	case []any:
		return w.list(v, depth)
	case map[string]any:
		return w.dict(v, depth)
	}
	return w.fail("a %T is no JSON value", v)
}

func (w *walk) list(list []any, depth int) bool {
	for i, v := range list {
		if !w.good(v, depth-1) {
			w.steps = append(w.steps, "["+strconv.Itoa(i)+"]")
			return false
		}
	}
	return true
}

func (w *walk) dict(dict map[string]any, depth int) bool {
	if w.sorted {
		for _, key := range sortedKeys(dict) {
			if !w.entry(key, dict[key], depth) {
				return false
			}
		}
		return true
	}
	for key, v := range dict {
		if !w.entry(key, v, depth) {
			return false
		}
	}
	return true
}

func (w *walk) entry(key string, v any, depth int) bool {
	if !utf8.ValidString(key) {
		return w.fail("a key that is not UTF-8")
	}
	if !w.good(v, depth-1) {
		w.steps = append(w.steps, "["+strconv.Quote(cut(key, 40))+"]")
		return false
	}
	return true
}

// where is the way to the fault from the outside in.
func (w *walk) where() string {
	if len(w.steps) == 0 {
		return ""
	}
	const most = 8
	var b strings.Builder
	for i := len(w.steps) - 1; i >= max(0, len(w.steps)-most); i-- {
		b.WriteString(w.steps[i])
	}
	return b.String() + ": "
}

// actionFault judges an action's form: nil, or the failure.
func actionFault(action any) *Failure {
	if _, ok := action.(map[string]any); !ok {
		return &Failure{Unparsable, "an action is a JSON object, not " + valueKind(action)}
	}
	text, bound := jsonFault(action, maxActionDepth, maxActionNodes)
	switch {
	case text == "":
		return nil
	case bound:
		return &Failure{Illegal, fmt.Sprintf("the action is nested deeper than %d levels, or has more than %d values", maxActionDepth, maxActionNodes)}
	}
	return &Failure{Unparsable, "the action is no JSON object: " + text}
}

// observationFault judges what a world shows.
func observationFault(v any) error {
	if text, _ := jsonFault(v, expr.MaxDepth, expr.MaxNodes); text != "" {
		return fmt.Errorf("returned no JSON value: %s", text)
	}
	return nil
}

// normal is a JSON value as a history gives it back, where 2.0 is 2: a copy if there is
// anything to change, since the value is somebody else's.
func normal(v any) any {
	if !hasWholeFloat(v) {
		return v
	}
	text, err := expr.Canonical(v)
	if err != nil {
		return v // it is no JSON value, and whoever records it will say so
	}
	back, err := expr.Decode(text)
	if err != nil {
		return v
	}
	return back
}

func hasWholeFloat(v any) bool {
	switch v := v.(type) {
	case float64:
		_, whole := expr.Normal(v).(int64)
		return whole
	case []any:
		return slices.ContainsFunc(v, hasWholeFloat)
	case map[string]any:
		for _, item := range v {
			if hasWholeFloat(item) {
				return true
			}
		}
	}
	return false
}

// clean makes a text valid UTF-8, as JSON text is: what is recorded is what was read.
func clean(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// cut shortens a text for a message.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return clean(text[:most]) + "…"
}
