package sim

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// ResolveSeats turns a `seats` value into names in seat order: an agent, an entry of
// `agents`, "role:R", "all", "none", or a list of these. Unknown names are an error.
func ResolveSeats(seats []*Seat, v any) ([]string, error) {
	picked := make(map[string]bool, len(seats))
	if err := pickSeats(seats, v, picked, 0); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(picked))
	for _, s := range seats {
		if picked[s.Name] {
			names = append(names, s.Name)
		}
	}
	return names, nil
}

const maxSeatsDepth = 16

func pickSeats(seats []*Seat, v any, picked map[string]bool, depth int) error {
	switch v := v.(type) {
	case string:
		return pickSeat(seats, v, picked)
	case []string:
		for _, name := range v {
			if err := pickSeat(seats, name, picked); err != nil {
				return err
			}
		}
		return nil
	case []any:
		if depth > maxSeatsDepth {
			return fmt.Errorf("seats: lists nested deeper than %d", maxSeatsDepth)
		}
		for _, item := range v {
			if err := pickSeats(seats, item, picked, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("seats: want a name, role:R, all, none or a list of these, got %s", valueKind(v))
}

func pickSeat(seats []*Seat, name string, picked map[string]bool) error {
	if name == "none" {
		return nil
	}
	found := name == "all"
	role, isRole := strings.CutPrefix(name, "role:")
	for _, s := range seats {
		if name == "all" || s.Name == name || s.Entry == name || isRole && s.Role == role {
			picked[s.Name], found = true, true
		}
	}
	if !found {
		return fmt.Errorf("there is no agent, entry or role %q", name)
	}
	return nil
}

// inSeatOrder sorts names by seat number and drops doubles and names that are not live.
func (g *game) inSeatOrder(names []string) ([]string, error) {
	out := make([]string, 0, len(names))
	for _, name := range names {
		st, ok := g.byName[name]
		if !ok {
			return nil, fmt.Errorf("there is no agent %q", name)
		}
		if st.status == Active && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	sort.Slice(out, func(i, j int) bool { return g.byName[out[i]].seat.Number < g.byName[out[j]].seat.Number })
	return out, nil
}

func valueKind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a bool"
	case int64, float64, int:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	case map[string]any:
		return "a dict"
	}
	return fmt.Sprintf("%T", v)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
