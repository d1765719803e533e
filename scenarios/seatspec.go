package scenarios

import "fmt"

func agentName() spec[string] {
	of := pattern("a name", agentPattern, agentWords)
	return spec[string]{func(v any) (string, error) {
		s, err := of.parse(v)
		if err == nil {
			err = checkAgentName(s)
		}
		return s, err
	}, of.schema}
}

func checkAgentName(name string) error {
	if _, err := pattern("a name", agentPattern, agentWords).parse(name); err != nil {
		return err
	}
	if name == "all" || name == "none" {
		return fmt.Errorf("%q stands for seats and cannot be a name", name)
	}
	return nil
}

func roleName() spec[string] { return pattern("a role", agentPattern, agentWords) }

func checkRole(name string) error { _, err := roleName().parse(name); return err }

// seats is one name or a list of them; lists may nest, as what expressions give does.
func seats() spec[[]string] {
	return spec[[]string]{flatten, schema{"anyOf": []any{
		schema{"type": "string", "minLength": 1}, schema{"type": "array", "items": schema{"type": []any{"string", "array"}}}}}}
}

func flatten(v any) ([]string, error) {
	switch v := v.(type) {
	case string:
		return []string{v}, nil
	case []any:
		out := []string{}
		for _, item := range v {
			sub, err := flatten(item)
			if err != nil {
				return nil, err
			}
			out = append(out, sub...)
		}
		return out, nil
	}
	return nil, fmt.Errorf("want seats: an agent, an entry, role:R, all, none or a list of these, got %s", show(v))
}

func orders() spec[Order] {
	words := oneOf([]string{"simultaneous", "sequential", "rotating", "shuffled", "random"}, map[string]string{"event-driven": "Event-driven runs", "asynchronous": "Event-driven runs"})
	return spec[Order]{func(v any) (Order, error) {
		items, ok := v.([]any)
		if !ok {
			name, err := words.parse(v)
			if err != nil {
				err = fmt.Errorf("%w; or a list of stages", err)
			}
			return Order{Name: name}, err
		}
		out := Order{Stages: [][]string{}}
		for _, item := range items {
			stage, err := flatten(item)
			if err != nil {
				return Order{}, err
			}
			out.Stages = append(out.Stages, stage)
		}
		return out, nil
	}, schema{"anyOf": []any{words.schema, schema{"type": "array"}}}}
}

func canonicals() spec[Canonical] {
	words := oneOf([]string{"seeded", "seat", "rotating"}, nil)
	return spec[Canonical]{func(v any) (Canonical, error) {
		if _, ok := v.([]any); ok {
			list, err := flatten(v)
			return Canonical{Seats: list}, err
		}
		name, err := words.parse(v)
		return Canonical{Name: name}, err
	}, schema{"anyOf": []any{words.schema, schema{"type": "array"}}}}
}
