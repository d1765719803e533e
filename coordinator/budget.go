package coordinator

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/sandtable/sandtable/coordinator/gateway"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
)

// budget adds up what is spent and enforces the limits of money and tokens: an agent's
// own limit refuses its further requests and costs it its moves; the run's truncates it.
// Spending may exceed a limit by the responses in flight, one for each agent.
type budget struct {
	mu     sync.Mutex
	total  gateway.Usage
	agents map[string]gateway.Usage
}

// spent is what has been booked so far.
func (b *budget) spent() Spent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Spent{b.total.Tokens.Total(), b.total.NanoUSD}
}

// spend books a row against the limits. The error is a model without a price in a run
// that has a limit of money: nobody could keep that.
func (r *run) spend(row gateway.Row) error {
	b := &r.budget
	b.mu.Lock()
	if b.agents == nil {
		b.agents = map[string]gateway.Usage{}
	}
	b.total = plus(b.total, row)
	b.agents[row.Agent] = plus(b.agents[row.Agent], row)
	total := b.total
	b.mu.Unlock()
	l := r.opts.Run.Cell.Limits
	if !row.Priced && row.Tokens.Total() > 0 && r.hasMoneyLimit(row.Agent) {
		return fmt.Errorf("the model %q has no price, and the run has a limit of money: add its price with --prices, or take the limit out", row.Model)
	}
	switch {
	case l.HasUSD && total.NanoUSD >= scenarios.NanoUSD(l.USD):
		r.truncate(&sim.Truncation{Reason: "usd"})
	case l.Tokens > 0 && total.Tokens.Total() >= int64(l.Tokens):
		r.truncate(&sim.Truncation{Reason: "tokens"})
	}
	return nil
}

func plus(u gateway.Usage, row gateway.Row) gateway.Usage {
	u.Tokens = u.Tokens.Plus(row.Tokens)
	u.NanoUSD += row.NanoUSD
	return u
}

func (r *run) hasMoneyLimit(agent string) bool {
	if r.opts.Run.Cell.Limits.HasUSD {
		return true
	}
	l, ok := r.limitsOf(agent)
	return ok && l.HasUSD
}

func (r *run) limitsOf(agent string) (scenarios.SeatLimits, bool) {
	n := r.seatNumber(agent)
	if n < 0 {
		return scenarios.SeatLimits{}, false
	}
	return r.players[n].Limits, true
}

// exhausted tells whether an agent's own limit is used up, and which.
func (r *run) exhausted(agent string) *sim.Failure {
	l, ok := r.limitsOf(agent)
	if !ok || !l.HasUSD && l.Tokens == 0 {
		return nil
	}
	r.budget.mu.Lock()
	used := r.budget.agents[agent]
	r.budget.mu.Unlock()
	switch {
	case l.HasUSD && used.NanoUSD >= scenarios.NanoUSD(l.USD):
		return &sim.Failure{Category: sim.Budget, Text: fmt.Sprintf("its limit of %g USD is used up", l.USD)}
	case l.Tokens > 0 && used.Tokens.Total() >= int64(l.Tokens):
		return &sim.Failure{Category: sim.Budget, Text: fmt.Sprintf("its limit of %d tokens is used up", l.Tokens)}
	}
	return nil
}

// budgeted refuses requests of agents whose own limit is used up, in the one form that
// clients do not retry.
func (r *run) budgeted(up gateway.Upstream) gateway.Upstream { return limited{r, up} }

type limited struct {
	run *run
	up  gateway.Upstream
}

// Serve refuses or passes on.
func (l limited) Serve(w http.ResponseWriter, c *gateway.Call) {
	if c.Endpoint == gateway.Inference {
		if f := l.run.exhausted(c.Agent); f != nil {
			gateway.WriteError(w, http.StatusTooManyRequests, "rate_limit_error", "sandtable: budget: "+f.Text, false)
			return
		}
	}
	l.up.Serve(w, c)
}
