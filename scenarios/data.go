package scenarios

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"path"
	"slices"
	"unicode/utf8"

	"go.starlark.net/starlark"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// textCall is text(path): a file of the folder as text.
func (s *Scenario) textCall(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &name); err != nil {
		return nil, err
	}
	data, err := s.Files.Read(name)
	if err == nil {
		err = prefixed(name, isText(data))
	}
	if err != nil {
		return nil, fmt.Errorf("text: %w", err)
	}
	return starlark.String(data), nil
}

// isText refuses bytes that would silently become others on their way into a value.
func isText(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("bytes that are not UTF-8")
	}
	return nil
}

// dataCall is data(path): a file of the folder as a value, read by its ending.
func (s *Scenario) dataCall(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &name); err != nil {
		return nil, err
	}
	data, err := s.Files.Read(name)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	v, err := decodeFile(name, data)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return expr.ToStarlark(v)
}

func decodeFile(name string, data []byte) (any, error) {
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return nil, prefixed(name, errors.New("begins with a byte order mark; save the file as UTF-8 without one"))
	}
	if err := isText(data); err != nil {
		return nil, prefixed(name, err)
	}
	switch path.Ext(name) {
	case ".json":
		v, err := expr.Decode(data)
		return v, prefixed(name, err)
	case ".jsonl":
		return decodeLines(name, data)
	case ".yaml", ".yml":
		return decodeYAML(name, data)
	case ".csv":
		return decodeCSV(name, data)
	}
	return nil, fmt.Errorf("%s: want a .json, .jsonl, .yaml, .yml or .csv file; text(path) reads any", name)
}

func prefixed(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

func decodeLines(name string, data []byte) (any, error) {
	out := []any{}
	for i, line := range bytes.Split(data, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		v, err := expr.Decode(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
		out = append(out, v)
	}
	return out, nil
}

func decodeYAML(name string, data []byte) (any, error) {
	l := &loader{}
	n := parseYAML(name, data, &l.collector)
	if err := l.err(name); err != nil {
		return nil, err
	}
	return plainValue(n), nil
}

// plainValue is a node's value; in data, `${` is nothing special.
func plainValue(n *node) any {
	switch n.kind {
	case listNode:
		out := make([]any, len(n.list))
		for i, item := range n.list {
			out[i] = plainValue(item)
		}
		return out
	case dictNode:
		out := make(map[string]any, len(n.dict))
		for _, e := range n.dict {
			out[e.key] = plainValue(e.value)
		}
		return out
	}
	return n.scalar
}

// decodeCSV makes a dict of texts of every row; the first row names the columns.
func decodeCSV(name string, data []byte) (any, error) {
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, prefixed(name, err)
	}
	if len(rows) == 0 {
		return nil, prefixed(name, errors.New("empty; the first row names the columns"))
	}
	for i, column := range rows[0] {
		if slices.Contains(rows[0][:i], column) {
			return nil, fmt.Errorf("%s: column %s is there twice", name, show(column))
		}
	}
	out := []any{}
	for _, row := range rows[1:] {
		dict := map[string]any{}
		for i, cell := range row {
			dict[rows[0][i]] = cell
		}
		out = append(out, dict)
	}
	return out, nil
}
