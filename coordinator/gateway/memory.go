package gateway

import (
	"slices"
	"sync"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// memory is what an account's last requests were made of. Clients send the whole
// conversation every time; what has been read once is known again by its bytes, so that
// a request costs what is new in it, and a comparison for the rest.
//
// What is in it is never changed, only dropped, and may be used by many requests.
type memory struct {
	mu   sync.Mutex
	last recollection
}

// recollection is a memory at one moment. The latest come first.
type recollection struct {
	systems, tools []*head
	talks          []*exchange
}

// The bounds of a memory. An agent has a conversation for itself, one for each of its
// sub-agents, and its client's errands in between. What is read of a text takes several
// times its bytes.
const (
	mostKept  = 4       // system prompts, tool lists and conversations, each
	mostHead  = 1 << 20 // bytes of a system prompt or tool list
	mostTalks = 4 << 20 // bytes of the conversations together
)

// head is a system prompt or a list of tools.
type head struct {
	raw   []byte
	text  string   // of a system prompt
	clean string   // text without the machine's paths
	names []string // of tools
}

// exchange is a conversation: all messages of a request.
type exchange struct {
	pieces []*piece
	bytes  int
}

// piece is a message in the forms in which it is needed, each made once.
type piece struct {
	raw     []byte // as the client wrote it
	message Message
	said    *saying // nil before stable has seen it
}

func (m *memory) recall() recollection {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// message is the i-th message, if it is known: r has passed over it then. All messages
// are looked up in the conversation that has the same first one, or in the last one, for
// clients change messages: what was marked as the last is not marked later.
func (k *recollection) message(r *expr.Reader, i int, from **exchange) *piece {
	if i == 0 {
		for _, t := range k.talks {
			if p := t.pieces[0]; r.Known(p.raw) {
				*from = t
				return p
			}
		}
		if len(k.talks) > 0 {
			*from = k.talks[0]
		}
		return nil
	}
	if t := *from; t != nil && i < len(t.pieces) && r.Known(t.pieces[i].raw) {
		return t.pieces[i]
	}
	return nil
}

// usual is about how many messages the next request will have.
func (k *recollection) usual() int {
	if len(k.talks) == 0 {
		return 0
	}
	return len(k.talks[0].pieces) + 8
}

// keep remembers a request. It takes the place of the conversation that it goes on with.
func (m *memory) keep(o *opened, r *Request) {
	t := &exchange{pieces: r.pieces}
	for _, p := range t.pieces {
		t.bytes += len(p.raw)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last.systems = withHead(m.last.systems, o.system)
	m.last.tools = withHead(m.last.tools, o.tools)
	m.last.talks = withExchange(m.last.talks, t)
}

// withHead returns heads with h in front, in a list of its own.
func withHead(heads []*head, h *head) []*head {
	if len(h.raw) == 0 || len(h.raw) > mostHead || len(heads) > 0 && heads[0] == h {
		return heads
	}
	out := []*head{h}
	for _, other := range heads {
		if other != h && len(out) < mostKept {
			out = append(out, other)
		}
	}
	return out
}

// withExchange returns talks with t in front, in a list of its own, without the ones that t
// goes on with and without the oldest, within the bounds.
func withExchange(talks []*exchange, t *exchange) []*exchange {
	if t.bytes > mostTalks {
		return talks
	}
	out, bytes := []*exchange{t}, t.bytes
	for _, other := range talks {
		if other.pieces[0] == t.pieces[0] || len(out) == mostKept || bytes+other.bytes > mostTalks {
			continue
		}
		out, bytes = append(out, other), bytes+other.bytes
	}
	return slices.Clip(out)
}

// understand reads a body with the help of the account's memory.
func (a *account) understand(body []byte, counting bool) (*Request, *conversation, string, error) {
	o, err := open(body, a.memory.recall())
	if err != nil {
		return nil, nil, "", err
	}
	r, err := o.request(counting)
	if err != nil {
		return nil, nil, "", err
	}
	// One out of the memory may not be written to; its text is clean already, and no clean
	// text is empty unless the whole is.
	if o.system.clean == "" && o.system.text != "" {
		o.system.clean = a.neutral.clean(o.system.text)
	}
	c := stable(r, a.neutral)
	a.memory.keep(o, r)
	return r, c, o.system.clean, nil
}
