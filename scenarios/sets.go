package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Set is one `--set`: NAME=YAML for a parameter, a.b=YAML for a field of the file.
type Set struct {
	// Path is the key, cut at its dots.
	Path []string
	// Text is the whole argument.
	Text  string
	value *node
}

// ParseSet reads the arguments of `--set`. The error is an *[Errors].
func ParseSet(args []string) ([]Set, error) {
	var c collector
	var out []Set
	for _, arg := range args {
		if set, ok := parseSet(arg, &c); ok {
			out = append(out, set)
		}
	}
	return out, c.err("")
}

func parseSet(arg string, c *collector) (Set, bool) {
	pos := Pos{File: "--set " + arg}
	key, text, ok := strings.Cut(arg, "=")
	path := strings.Split(key, ".")
	for _, part := range path {
		ok = ok && part != "" && strings.TrimSpace(part) == part
	}
	if !ok {
		c.add(pos, "want NAME=VALUE for a parameter, or a.b=VALUE for a field of the file")
		return Set{}, false
	}
	set := Set{Path: path, Text: arg, value: &node{kind: scalarNode, pos: pos}}
	if strings.TrimSpace(text) == "" {
		return set, true
	}
	var faults collector
	n := parseYAML(pos.File, []byte(text), &faults)
	for _, e := range faults.list {
		c.add(pos, "%s", e.Msg)
	}
	if n == nil || faults.list != nil {
		return Set{}, false
	}
	unplace(n, pos)
	set.value = n
	return set, true
}

// unplace gives all of a value the argument as its place: it has no lines.
func unplace(n *node, pos Pos) {
	n.pos = pos
	if n.at != nil {
		n.at = func(int) (int, int) { return 0, 0 }
	}
	for _, item := range n.list {
		unplace(item, pos)
	}
	for i := range n.dict {
		n.dict[i].pos = pos
		unplace(n.dict[i].value, pos)
	}
}

// param returns the parameter's name, or "" if the set is for a field.
func (s Set) param() string {
	switch {
	case len(s.Path) == 1:
		return s.Path[0]
	case len(s.Path) == 2 && s.Path[0] == "params":
		return s.Path[1]
	}
	return ""
}

// applyFields changes the tree, before anything looks at it.
func (l *loader) applyFields(root *node, sets []Set) {
	for _, set := range sets {
		if set.param() != "" {
			continue
		}
		if err := setField(root, set.Path, set.value); err != nil {
			l.addErr(set.value.pos, err)
		}
	}
}

// applyParams gives parameters another value, of the type that the file says.
func (l *loader) applyParams(s *Scenario, sets []Set) {
	for _, set := range sets {
		name := set.param()
		if name == "" {
			continue
		}
		if err := l.setParam(s, name, set.value); err != nil {
			l.addErr(set.value.pos, err)
		}
	}
}

func (l *loader) setParam(s *Scenario, name string, value *node) error {
	if find(s.Matrix, name) != nil {
		return fmt.Errorf("%s is an axis of the matrix, which would win; use --set 'matrix.%s=[…]'", name, name)
	}
	var known []string
	for i := range s.Params {
		p := &s.Params[i]
		known = append(known, p.Name)
		if p.Name != name {
			continue
		}
		v, ok := l.literal(value)
		if !ok {
			return nil // reported
		}
		v, err := p.Check(v)
		if err == nil {
			p.Default = v // else the file's own stays, so that nothing else seems wrong
		}
		return err
	}
	if hint := meant(name, known); hint != "" {
		return fmt.Errorf("no parameter %q%s", name, hint)
	}
	return fmt.Errorf("no parameter %q; a field of the file is set by its path, like turns.max=3", name)
}

// setField changes a field, and makes the mapping around it where the file has none of
// those whose keys are all known: what else is missing may be a slip.
func setField(n *node, path []string, value *node) error {
	if slices.Contains([]string{"requires", "workspace", "failures", "limits", "batch"}, path[0]) && n.get(path[0]) == nil {
		n.dict = append(n.dict, entry{key: path[0], pos: value.pos, value: &node{kind: dictNode, pos: value.pos}})
	}
	for i, part := range path {
		last := i == len(path)-1
		place := child(n, part)
		if place == nil {
			if !last || n.kind != dictNode {
				return errors.New("the file has no " + strings.Join(path[:i+1], ".") + meant(part, childNames(n)))
			}
			n.dict = append(n.dict, entry{key: part, pos: value.pos, value: value})
			return nil
		}
		if last {
			*place = value
			return nil
		}
		n = *place
	}
	return nil
}

// child finds a key of a mapping, or an item of a list by its number from 0 or by the
// item's name.
func child(n *node, part string) **node {
	for i := range n.dict {
		if n.dict[i].key == part {
			return &n.dict[i].value
		}
	}
	for i, item := range n.list {
		if name := item.get("name"); strconv.Itoa(i) == part || name != nil && name.scalar == part {
			return &n.list[i]
		}
	}
	return nil
}

func childNames(n *node) []string {
	var out []string
	for _, e := range n.dict {
		out = append(out, e.key)
	}
	for _, item := range n.list {
		if name := item.get("name"); name != nil {
			if s, ok := name.scalar.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
