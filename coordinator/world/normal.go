package world

import "math"

// exact is the bound below which a whole float has the same canonical JSON as the int.
const exact = 1 << 53

// normal brings the numbers of a value into the form in which they would be read back
// from a history, in place: a resumed run must not differ from one that never stopped.
func normal(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < exact {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = normal(v[k])
		}
	}
	return v
}
