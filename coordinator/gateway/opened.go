package gateway

import (
	"bytes"
	"errors"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// opened is a body cut up: the JSON of all of it has been checked, and what was not known
// from an earlier request has been decoded.
type opened struct {
	body  []byte
	known recollection

	top           map[string]any    // the decoded members
	raw           map[string][]byte // the texts of those that may be worth remembering
	system, tools *head             // nil: in top, if anywhere
	listed        bool              // messages is a list, and not in top
	pieces        []*piece
	fresh         map[int]any // messages that were not known, by index
	from          *exchange   // the one that pieces come from
}

func open(body []byte, known recollection) (*opened, error) {
	r := expr.NewReader(body)
	if r.Next() != '{' {
		if _, err := expr.Decode(body); err != nil {
			return nil, err
		}
		return nil, errors.New("the body is no JSON object")
	}
	o := &opened{body: body, known: known, top: map[string]any{}, raw: map[string][]byte{}, fresh: map[int]any{}}
	err := r.Object(func(key string) error { return o.member(r, key) })
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return nil, err
	}
	return o, nil
}

func (o *opened) member(r *expr.Reader, key string) error {
	first := r.Next()
	switch key {
	case "messages":
		if o.listed = first == '['; o.listed {
			o.pieces = make([]*piece, 0, o.known.usual())
			return r.List(func(i int) error { return o.message(r, i) })
		}
	case "system":
		if o.system = recognised(r, o.known.systems); o.system != nil {
			return nil
		}
	case "tools":
		if o.tools = recognised(r, o.known.tools); o.tools != nil {
			return nil
		}
	}
	start := r.Offset()
	v, err := r.Value()
	o.top[key] = v
	if first == '[' || first == '"' { // ends by itself: see Known
		o.raw[key] = o.body[start:r.Offset()]
	}
	return err
}

func recognised(r *expr.Reader, heads []*head) *head {
	for _, h := range heads {
		if r.Known(h.raw) {
			return h
		}
	}
	return nil
}

func (o *opened) message(r *expr.Reader, i int) error {
	if p := o.known.message(r, i, &o.from); p != nil {
		o.pieces = append(o.pieces, p)
		return nil
	}
	first, start := r.Next(), r.Offset()
	v, err := r.Value()
	if err != nil {
		return err
	}
	p := &piece{}
	if first == '{' { // anything else is going to be refused
		p.raw = bytes.Clone(o.body[start:r.Offset()])
	}
	o.pieces, o.fresh[i] = append(o.pieces, p), v
	return nil
}

// request makes a request of the pieces, or says what is wrong with the first of those
// that are new.
func (o *opened) request(counting bool) (*Request, error) {
	r, p := &Request{}, parser{}
	p.head(r, o.top, counting)
	if o.system == nil {
		o.system = &head{raw: bytes.Clone(o.raw["system"]), text: p.system(o.top["system"])}
	}
	if o.tools == nil {
		o.tools = &head{raw: bytes.Clone(o.raw["tools"]), names: p.tools(o.top["tools"])}
	}
	r.System, r.Tools = o.system.text, o.tools.names
	o.messages(r, &p)
	if p.err != nil {
		return nil, p.err
	}
	return r, nil
}

func (o *opened) messages(r *Request, p *parser) {
	switch v := o.top["messages"]; {
	case o.listed && len(o.pieces) == 0:
		p.fail("messages", "at least one message is required")
	case !o.listed && v == nil:
		p.fail("messages", "field required")
	case !o.listed:
		p.list(v, "messages")
	}
	r.Messages = make([]Message, len(o.pieces))
	for i, piece := range o.pieces {
		if v, fresh := o.fresh[i]; fresh {
			piece.message = p.message(v, i)
		}
		r.Messages[i] = piece.message
	}
	r.pieces = o.pieces
}
