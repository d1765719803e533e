package scenarios

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// reader turns the parser's tree into ours.
type reader struct {
	file   string
	lines  []string
	faults *collector
	count  int
	open   []*yaml.Node // aliases that we are inside of
}

func (r *reader) pos(n *yaml.Node) Pos { return Pos{r.file, n.Line, n.Column} }

func (r *reader) alias(n *yaml.Node, depth int) *node {
	if slices.Contains(r.open, n.Alias) {
		r.faults.add(r.pos(n), "*%s stands inside &%s: a value cannot contain itself", n.Value, n.Value)
		return nil
	}
	r.open = append(r.open, n.Alias)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	return r.node(n.Alias, depth)
}

func (r *reader) sequence(n *yaml.Node, depth int) *node {
	r.refuseTag(n)
	out := &node{kind: listNode, pos: r.pos(n)}
	r.open = append(r.open, n)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	for _, item := range n.Content {
		if v := r.node(item, depth+1); v != nil {
			out.list = append(out.list, v)
		}
	}
	return out
}

func (r *reader) mapping(n *yaml.Node, depth int) *node {
	r.refuseTag(n)
	out := &node{kind: dictNode, pos: r.pos(n)}
	r.open = append(r.open, n)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, ok := r.key(n.Content[i])
		if !ok {
			continue
		}
		if line, twice := lines[key]; twice {
			r.faults.add(r.pos(n.Content[i]), "%q is there twice; the first is in line %d", key, line)
			continue
		}
		lines[key] = n.Content[i].Line
		if v := r.node(n.Content[i+1], depth+1); v != nil {
			out.dict = append(out.dict, entry{key: key, pos: r.pos(n.Content[i]), value: v})
		}
	}
	return out
}

func (r *reader) key(n *yaml.Node) (string, bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	r.refuseTag(n)
	switch {
	case n.Kind != yaml.ScalarNode:
		r.faults.add(r.pos(n), "a key is a list or a mapping; keys are texts")
	case n.Tag == "!!merge" || n.Value == "<<" && n.Style == 0:
		r.faults.add(r.pos(n), "merge keys (<<) are not supported; write the keys out, or use players for what agents share")
	default:
		if v, err := resolveScalar(n); err == nil {
			if key, ok := v.(string); ok {
				return key, true
			}
		}
		r.faults.add(r.pos(n), "key %s is not a text; quote it: %q", n.Value, n.Value)
	}
	return "", false
}

func (r *reader) scalar(n *yaml.Node) *node {
	r.refuseTag(n)
	v, err := resolveScalar(n)
	if err != nil {
		r.faults.addErr(r.pos(n), err)
		return nil
	}
	out := &node{kind: scalarNode, scalar: v, pos: r.pos(n)}
	if text, ok := v.(string); ok {
		out.at = r.locate(n, text)
		out.cut = n.Style == 0 && n.LineComment != ""
	}
	return out
}

func (r *reader) refuseTag(n *yaml.Node) {
	if n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!str" {
		r.faults.add(r.pos(n), "tag %s: tags are not supported; quote what shall be text", n.Tag)
	}
}
