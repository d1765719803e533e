package expr

import "math"

// Normal brings the numbers of a JSON value into the form in which they are read back
// from canonical JSON: a whole float below 2^53 becomes the int that it is written as
// there. Lists and dicts are changed in place. What was never written down must not
// differ from what was.
func Normal(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < exact {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = Normal(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = Normal(v[k])
		}
	}
	return v
}
