package gateway

import (
	"maps"
	"sync"
)

// Count is a number of replies and their tokens.
type Count struct {
	Replies int64
	Tokens  Tokens
}

func (c Count) plus(t Tokens) Count { return Count{c.Replies + 1, c.Tokens.Plus(t)} }

// AgentTally is what the scripted model answered to one agent.
type AgentTally struct {
	Count
	Turns map[int]Count // by turn
}

// Tally is what the scripted model meant to answer, count_tokens left out. It agrees with
// the ledger to the token, unless a client went away before its response had ended.
type Tally struct {
	Total  Count
	Agents map[string]AgentTally // by agent
}

type tally struct {
	mu  sync.Mutex
	sum Tally
}

func (t *tally) add(c *Call, tokens Tokens) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sum.Agents == nil {
		t.sum.Agents = map[string]AgentTally{}
	}
	a := t.sum.Agents[c.Agent]
	if a.Turns == nil {
		a.Turns = map[int]Count{}
	}
	a.Count = a.plus(tokens)
	a.Turns[c.Turn] = a.Turns[c.Turn].plus(tokens)
	t.sum.Agents[c.Agent] = a
	t.sum.Total = t.sum.Total.plus(tokens)
}

func (t *tally) copy() Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := Tally{Total: t.sum.Total, Agents: maps.Clone(t.sum.Agents)}
	for name, a := range out.Agents {
		a.Turns = maps.Clone(a.Turns)
		out.Agents[name] = a
	}
	return out
}
