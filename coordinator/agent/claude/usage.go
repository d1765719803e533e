package claude

import "maps"

// modelUsage is what the client counted for one model, cumulative for the process.
type modelUsage struct {
	Input      int64   `json:"inputTokens"`
	Output     int64   `json:"outputTokens"`
	CacheRead  int64   `json:"cacheReadInputTokens"`
	CacheWrite int64   `json:"cacheCreationInputTokens"`
	CostUSD    float64 `json:"costUSD"`
}

// Usage is the client's own account of one act, a cross-check of the gateway's ledger
// and never a bill: interrupted and cut streams are missing from it.
type Usage struct {
	CostUSD float64               `json:"cost_usd"`
	Models  map[string]modelUsage `json:"models,omitempty"`
	Reset   bool                  `json:"reset,omitempty"` // the counters began anew
}

// counter makes deltas of the cumulative figures of one process.
type counter struct {
	cost   float64
	models map[string]modelUsage
}

// delta returns what r adds to the result before it. Counters that went back were
// reset; then the figures as they stand are the delta.
func (c *counter) delta(r *result) Usage {
	u := Usage{CostUSD: r.CostUSD - c.cost, Models: map[string]modelUsage{}}
	u.Reset = u.CostUSD < 0
	for name, now := range r.ModelUsage {
		was := c.models[name]
		d := modelUsage{now.Input - was.Input, now.Output - was.Output, now.CacheRead - was.CacheRead,
			now.CacheWrite - was.CacheWrite, now.CostUSD - was.CostUSD}
		u.Reset = u.Reset || d.Input < 0 || d.Output < 0 || d.CacheRead < 0 || d.CacheWrite < 0
		if d != (modelUsage{}) {
			u.Models[name] = d
		}
	}
	if u.Reset {
		u.CostUSD, u.Models = r.CostUSD, maps.Clone(r.ModelUsage)
	}
	c.cost, c.models = r.CostUSD, r.ModelUsage
	return u
}
