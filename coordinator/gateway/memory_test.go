package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const sessionView = "/tmp/sandbox/views/a1"

// session is the body of a Claude Code request after some turns: a user message, a tool
// call, its result and an answer each, as much system prompt and as many tools as the
// client sends, and the cache mark on the last message, where the client puts it.
func session(turns int, who string) []byte {
	var messages []any
	for i := range turns {
		id := fmt.Sprintf("toolu_%s_%d", who, i)
		messages = append(messages,
			says("user", text(fmt.Sprintf("Turn %d, %s.\n", i, who)+strings.Repeat("You see \"fish\" and a boat.\n", 6))),
			says("system", text("# Environment\n - Primary working directory: "+sessionView)),
			says("assistant", text("In "+sessionView+" I write."), use(id, "Write", obj{"file_path": sessionView + "/x", "content": strings.Repeat("a line\n", 20), "n": i})),
			says("user", result(id, "Created "+sessionView+"/x\n"+strings.Repeat("output of the tool\n", 8)+fmt.Sprintf(left, strconv.Itoa(1000-i)))),
			says("assistant", text("Done with "+strconv.Itoa(i)+".")))
	}
	messages = append(messages, says("user", obj{"type": "text", "text": "And now, " + who + "?", "cache_control": obj{"type": "ephemeral"}}))
	var tools []any
	for i := range 24 {
		properties := obj{}
		for k := range 8 {
			properties["p"+strconv.Itoa(k)] = obj{"type": "string", "description": strings.Repeat("what it means ", 12)}
		}
		tools = append(tools, obj{"name": "Tool" + strconv.Itoa(i), "description": strings.Repeat("Does things. ", 60), "input_schema": obj{"type": "object", "properties": properties}})
	}
	return []byte(body(obj{"messages": messages, "tools": append(tools, obj{"name": "mcp__sandtable__act"}), "stream": true, "max_tokens": 32000,
		"system": []any{text(strings.Repeat("You are a fisher in "+sessionView+". ", 200))}, "metadata": obj{"user_id": who}}))
}

func newMember() *account {
	return &account{agent: "a", neutral: newNeutral(sessionView, []string{"/tmp/sandbox/home/a1"})}
}

// understood is all that anybody can see of a request.
type understood struct {
	Request      Request
	Call         int
	Last, System string
	Results      []toolResult
	Blocks       [][]Block
	Print        [32]byte
	Tokens       int64
	Script       string
	Err          string
}

func understand(t *testing.T, a *account, body []byte) understood {
	t.Helper()
	r, c, system, err := a.understand(body, false)
	if err != nil {
		return understood{Err: err.Error()}
	}
	u := understood{Request: *r, Call: c.call, Last: c.last, System: system, Results: c.results,
		Print: c.fingerprint("x", system), Tokens: inputRule(c)}
	u.Request.pieces = nil
	for _, s := range c.messages {
		u.Blocks = append(u.Blocks, s.blocks)
	}
	v, err := requestValue(&Call{Request: r, talk: c, system: system})
	if err != nil {
		t.Fatal(err)
	}
	u.Script = v.String()
	return u
}

// TestMemoryChangesNothing sends conversations that go on, part, repeat, lose their middle
// and are refused, and compares each with an account that has never seen anything.
func TestMemoryChangesNothing(t *testing.T) {
	a := newMember()
	send := func(name string, body []byte) {
		t.Helper()
		if got, want := understand(t, a, body), understand(t, newMember(), body); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: after other requests\n%.2000v\nalone\n%.2000v", name, got, want)
		}
	}
	edit := func(body []byte, old, new string) []byte {
		t.Helper()
		if !strings.Contains(string(body), old) {
			t.Fatalf("no %s in the body", old)
		}
		return []byte(strings.Replace(string(body), old, new, 1))
	}
	for turns := range 6 {
		send("goes on", session(turns, "main"))
		send("again", session(turns, "main"))
		send("sub-agent", session(turns/2, "sub"))
		send("errand", []byte(ask(false, "title of "+strconv.Itoa(turns))))
	}
	five := session(5, "main")
	send("shorter", session(2, "main"))
	send("first message changed", edit(five, "Turn 0", "Turn O"))
	send("middle changed", edit(five, "Turn 2", "Turn Z"))
	send("other tool for an old result", edit(five, `"name":"Write"`, `"name":"Edit"`))
	send("other id for an old result", edit(five, `toolu_main_1`, `toolu_main_x`))
	send("a role changed", edit(five, `"role":"assistant"`, `"role":"narrator"`))
	send("spaces", edit(five, `"messages":[`, `"messages" : [ `))
	send("tool more", edit(five, `{"name":"mcp__sandtable__act"}`, `{"name":"mcp__sandtable__act"},{"name":"Tool99"}`))
	send("other system prompt", edit(five, "a fisher", "a farmer"))
	send("system prompt as text", edit(five, `"system":[`, `"system":"x","older":[`))
	for _, bad := range [][2]string{
		{`"messages":[`, `"messages":[[],`}, {`"messages":[`, `"messages":[1,`}, {`"role":"user"`, `"role":7`}, {`"text":"And now`, `"text":1,"x":"And now`},
		{`"role":"user"`, `"role":"user","role":"user"`}, {`"n":1`, `"n":99999999999999999999`}, {`"model"`, `"messages":[],"model"`}, {`"max_tokens":32000`, `"max_tokens":0`},
		{`}],"metadata`, `}}],"metadata`}, {`"name":"Tool23"`, `"name":23`}, {`"tools":[`, `"tools":[],"tools":[`}, {`You are a`, `You` + "\x01" + ` are a`},
	} {
		if strings.Contains(string(five), bad[0]) {
			send("bad "+bad[0], edit(five, bad[0], bad[1]))
			send("good again", five)
		}
	}
	send("cut off", five[:len(five)-1])
	send("too long", append(five[:len(five):len(five)], '}'))
}

// TestMemoryKnows: what was there is not read again, and the same object is used.
func TestMemoryKnows(t *testing.T) {
	a := newMember()
	understand(t, a, session(3, "main"))
	before := a.memory.last.talks[0]
	understand(t, a, session(1, "sub"))
	understand(t, a, session(4, "main"))
	after := a.memory.last.talks[0]
	// All but the last, whose cache mark has gone.
	for i, p := range before.pieces[:len(before.pieces)-1] {
		if after.pieces[i] != p {
			t.Errorf("message %d was read again", i)
		}
	}
	if n := len(a.memory.last.talks); n != 2 {
		t.Errorf("%d conversations are kept, want the main one and the sub-agent's", n)
	}
	if len(a.memory.last.systems) != 1 || len(a.memory.last.tools) != 1 {
		t.Error("the same system prompt or tools are kept twice")
	}
}

// TestMemoryIsBounded: many conversations, large ones and large heads do not stay.
func TestMemoryIsBounded(t *testing.T) {
	a := newMember()
	send := func(body []byte) {
		t.Helper()
		if _, _, _, err := a.understand(body, false); err != nil {
			t.Fatal(err)
		}
	}
	check := func() {
		t.Helper()
		m, bytes := a.memory.recall(), 0
		for _, e := range m.talks {
			for _, p := range e.pieces {
				bytes += cap(p.raw)
			}
		}
		if len(m.talks) > mostKept || len(m.systems) > mostKept || len(m.tools) > mostKept || bytes > mostTalks*5/4 {
			t.Fatalf("%d conversations with %d bytes, %d system prompts, %d tools", len(m.talks), bytes, len(m.systems), len(m.tools))
		}
	}
	large := strings.Repeat("x", mostTalks/3)
	for i := range 8 {
		name := strconv.Itoa(i)
		send(session(1, name))
		check()
		if i%2 == 1 { // it takes three of these
			continue
		}
		send([]byte(body(obj{"messages": []any{says("user", text(name+large))}, "system": name, "tools": []any{obj{"name": "T" + name}}})))
		check()
	}
	for _, m := range []obj{{"messages": []any{says("user", text(large+large+large+"more"))}}, {"messages": []any{says("user", text("x"))}, "system": large}} {
		before := a.memory.recall()
		send([]byte(body(m)))
		check()
		after := a.memory.recall()
		if m["system"] == nil && after.talks[0] != before.talks[0] {
			t.Error("a conversation beyond the bound is kept")
		}
		if m["system"] != nil && after.systems[0] != before.systems[0] {
			t.Error("a system prompt beyond the bound is kept")
		}
	}
}

// TestMemoryOfManyRequests: requests of one account at a time do not disturb each other.
func TestMemoryOfManyRequests(t *testing.T) {
	a := newMember()
	var all sync.WaitGroup
	for client := range 6 {
		all.Go(func() {
			for turns := range 5 {
				body := session(turns, strconv.Itoa(client%3))
				if got, want := understand(t, a, body), understand(t, newMember(), body); !reflect.DeepEqual(got, want) {
					t.Errorf("client %d, turn %d: another reading", client, turns)
				}
			}
		})
	}
	all.Wait()
}

// FuzzMemory: what is read of a body does not depend on the ones before.
func FuzzMemory(f *testing.F) {
	f.Add([]byte(ask(true, "one")), []byte(ask(true, "one", "two")))
	f.Add([]byte(`{"model":"m","max_tokens":1,"system":"s","tools":[],"messages":[{"role":"user","content":"x"}]}`),
		[]byte(`{"model":"m","max_tokens":1,"system":"sx","tools":[1],"messages":[{"role":"user","content":"x"},{"role":"user","content":"x"}]}`))
	f.Add([]byte(`{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"n","input":{"a":[1e3,null]}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1"}]}]}`),
		[]byte(`{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"other"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1"}]}]}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		a := newMember()
		understand(t, a, first)
		for _, body := range [][]byte{second, first, second} {
			if got, want := understand(t, a, body), understand(t, newMember(), body); !reflect.DeepEqual(got, want) {
				t.Fatalf("%q: after other requests\n%v\nalone\n%v", body, got, want)
			}
		}
	})
}

// BenchmarkUnderstand is a request of some 60 KB at 20 turns, 200 KB at 120, 400 KB at
// 250: read for the first time, and after the request before it.
func BenchmarkUnderstand(b *testing.B) {
	for _, turns := range []int{20, 120, 250} {
		before, now := session(turns, "main"), session(turns+1, "main")
		for _, mode := range []string{"first", "next"} {
			b.Run(fmt.Sprintf("%s/%d", mode, turns), func(b *testing.B) {
				a := newMember()
				if _, _, _, err := a.understand(before, false); err != nil {
					b.Fatal(err)
				}
				earlier := a.memory.recall()
				b.SetBytes(int64(len(now)))
				b.ReportAllocs()
				for b.Loop() {
					a.memory.last = earlier
					if mode == "first" {
						a.memory.last = recollection{}
					}
					r, c, system, err := a.understand(now, false)
					if err != nil {
						b.Fatal(err)
					}
					c.fingerprint("act", "", system)
					inputRule(c)
					_ = r
				}
			})
		}
	}
}

// TestSessionIsAsLargeAsClaimed keeps the benchmark honest.
func TestSessionIsAsLargeAsClaimed(t *testing.T) {
	body := session(120, "main")
	var all struct{ Messages, Tools []json.RawMessage }
	if err := json.Unmarshal(body, &all); err != nil || len(body) < 180_000 || len(body) > 300_000 || len(all.Messages) != 601 || len(all.Tools) != 25 {
		t.Errorf("%d bytes, %d messages, %d tools, %v", len(body), len(all.Messages), len(all.Tools), err)
	}
}

// BenchmarkRequest is the way of a whole request through the gateway, the client's side
// and the network left out: each in turn one of two that follow each other.
func BenchmarkRequest(b *testing.B) {
	s, err := NewScripted(ScriptedOptions{})
	if err != nil {
		b.Fatal(err)
	}
	g, err := New(Options{Upstream: s})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	a, err := g.Register("a", AgentOptions{View: sessionView})
	if err != nil {
		b.Fatal(err)
	}
	bodies := [][]byte{session(120, "main"), session(121, "main")}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		g.SetTurn("a", Attribution{Turn: i})
		r := httptest.NewRequest("POST", "/a/a/v1/messages", bytes.NewReader(bodies[i%2]))
		r.Header.Set("X-Api-Key", a.Key)
		w := httptest.NewRecorder()
		if g.ServeHTTP(w, r); w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}
