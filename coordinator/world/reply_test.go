package world

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseReply(t *testing.T) {
	r, err := parseReply([]byte(`{"type":"result","id":4,"value":{"a":2.0,"b":[1.5]},"more":1,
		"effects":[{"mail":{"to":["a"],"text":"x"}},{"eliminate":{"name":"a"}}],"draws":[{"name":"d","value":3.0}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &reply{
		kind: "result", id: 4, value: map[string]any{"a": int64(2), "b": []any{1.5}},
		effects: []effect{{kind: "mail", to: []any{"a"}, text: "x"}, {kind: "eliminate", name: "a"}},
		draws:   []draw{{"d", int64(3)}},
	}
	if diff := cmp.Diff(want, r, cmp.AllowUnexported(reply{}, effect{}, draw{})); diff != "" {
		t.Error(diff)
	}
}

func TestParseReplyRefuses(t *testing.T) {
	for _, line := range []string{
		``, `[]`, `{}`, `{"type":1}`, `{"type":"result"}`, `{"type":"result","id":"1"}`, `{"type":"result","id":1.5}`,
		`{"type":"result","id":1,"effects":{}}`, `{"type":"result","id":1,"draws":3}`,
		`{"type":"result","id":1,"effects":[[]]}`, `{"type":"result","id":1,"effects":[{}]}`,
		`{"type":"result","id":1,"effects":[{"write":{"path":"a","text":""},"remove":{"path":"a"}}]}`,
		`{"type":"result","id":1,"effects":[{"write":{"path":"a"}}]}`, `{"type":"result","id":1,"effects":[{"mail":{"text":"a"}}]}`,
		`{"type":"error","id":1}`, `{"type":"log"}`, `{"type":"result","id":1} {}`,
	} {
		if r, err := parseReply([]byte(line)); err == nil {
			t.Errorf("%s: %+v", line, r)
		}
	}
	if r, err := parseReply([]byte(`{"type":"progress","id":"x"}`)); err != nil || r.kind != "progress" {
		t.Error("messages of other types are to be ignored:", err)
	}
}

func FuzzReply(f *testing.F) {
	f.Add([]byte(`{"type":"result","id":1,"value":{"a":[1,2.0,null,true,"x"]},"effects":[{"write":{"path":"a","text":"b"}}]}`))
	f.Add([]byte(`{"type":"result","id":1,"effects":[{"mail":{"to":"all","text":"b"}},{"append":{"path":"a","text":"b"}}],"draws":[{"name":"x","value":1e400}]}`))
	f.Add([]byte(`{"type":"error","id":9223372036854775807,"text":"\ud800"}`))
	f.Add([]byte(`{"type":"log","text":"x","text":"y"}`))
	f.Add([]byte(`{"type":""}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parseReply(line)
		if err != nil {
			return
		}
		if r.kind != "result" && len(r.effects)+len(r.draws) > 0 {
			t.Errorf("%s with effects", r.kind)
		}
		for _, e := range r.effects {
			switch e.kind {
			case "write", "append", "remove", "mail", "eliminate":
			default:
				t.Errorf("effect %q", e.kind)
			}
		}
	})
}
