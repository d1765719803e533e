package sim

import "strconv"

// Addresses come from agents: anything may stand in them.

// Bounds of a letter's address.
const (
	maxAddressDepth = 16
	maxAddresses    = 1024
)

// tidyLetters makes letters fit to be recorded: texts are UTF-8 and addresses are JSON
// values. An address that is none becomes null, which nobody has.
func tidyLetters(list []Letter) []Letter {
	if len(list) == 0 {
		return nil
	}
	out := make([]Letter, len(list))
	for i, l := range list {
		out[i] = Letter{To: tidyAddress(l.To), Text: clean(l.Text)}
	}
	return out
}

func tidyAddress(to any) any {
	switch v := to.(type) {
	case string:
		return clean(v)
	case []string:
		out := make([]any, len(v))
		for i, name := range v {
			out[i] = clean(name)
		}
		to = out
	}
	if text, _ := jsonFault(to, maxAddressDepth, maxAddresses); text != "" {
		return nil
	}
	return to
}

// addresses appends the names in to, lists inside lists included. It reports false if
// there is anything else in it, or too much.
func addresses(list []string, to any, depth int) ([]string, bool) {
	switch to := to.(type) {
	case string:
		return append(list, to), len(list) < maxAddresses
	case []string:
		return append(list, to...), len(list)+len(to) <= maxAddresses
	case []any:
		ok := depth < maxAddressDepth
		for i := 0; i < len(to) && ok; i++ {
			list, ok = addresses(list, to[i], depth+1)
		}
		return list, ok
	}
	return list, false
}

// addressText shows a letter's address to who wrote it.
func addressText(to any) string {
	list, ok := addresses(nil, to, 0)
	switch {
	case !ok || len(list) == 0:
		return "nobody"
	case len(list) == 1:
		return shortAddress(list[0])
	}
	return shortAddress(list[0]) + " and " + strconv.Itoa(len(list)-1) + " more"
}

// shortAddress shows one name: as it is where that is harmless, else quoted.
func shortAddress(name string) string {
	name = cut(name, 60)
	if q := strconv.Quote(name); q != `"`+name+`"` || name == "" {
		return q
	}
	return name
}
