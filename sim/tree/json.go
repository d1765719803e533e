package tree

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// MarshalJSON writes kind, hash and size; null for an absent entry.
func (e Entry) MarshalJSON() ([]byte, error) {
	if e.Absent() {
		return []byte("null"), nil
	}
	type plain Entry
	return json.Marshal(plain(e))
}

// jsonPath is a path in JSON. JSON text is Unicode, and a path may be any bytes: one
// that is not valid UTF-8 is written as base64 under another key, so that it comes
// back as it was.
type jsonPath struct {
	Path   string `json:"path,omitempty"`
	Base64 []byte `json:"path_base64,omitempty"`
}

func toJSONPath(path string) jsonPath {
	if utf8.ValidString(path) {
		return jsonPath{Path: path}
	}
	return jsonPath{Base64: []byte(path)}
}

func (p jsonPath) path() string {
	if len(p.Base64) > 0 {
		return string(p.Base64)
	}
	return p.Path
}

type jsonChange struct {
	jsonPath
	Base Entry `json:"base"`
	New  Entry `json:"new"`
}

// MarshalJSON writes path, base and new. A path that is not valid UTF-8 is written as
// path_base64 instead.
func (c Change) MarshalJSON() ([]byte, error) {
	return marshal(jsonChange{toJSONPath(c.Path), c.Base, c.New})
}

// UnmarshalJSON reads what [Change.MarshalJSON] wrote; [WriteSet.Validate] judges it.
func (c *Change) UnmarshalJSON(data []byte) error {
	var j jsonChange
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*c = Change{j.path(), j.Base, j.New}
	return nil
}

// jsonDecision: the outer keys win over the embedded ones of the same name.
type jsonDecision struct {
	Path   string `json:"path,omitempty"`
	Base64 []byte `json:"path_base64,omitempty"`
	plainDecision
}

type plainDecision Decision

// MarshalJSON writes all fields; the path as [Change.MarshalJSON] does.
func (d Decision) MarshalJSON() ([]byte, error) {
	p := toJSONPath(d.Path)
	return marshal(jsonDecision{p.Path, p.Base64, plainDecision(d)})
}

// UnmarshalJSON reads what [Decision.MarshalJSON] wrote.
func (d *Decision) UnmarshalJSON(data []byte) error {
	var j jsonDecision
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*d = Decision(j.plainDecision)
	d.Path = jsonPath{j.Path, j.Base64}.path()
	return nil
}

// marshal is json.Marshal that leaves <, > and & as they are: the caller's encoder
// decides whether to escape them.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
