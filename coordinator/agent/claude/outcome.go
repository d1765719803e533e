package claude

import (
	"fmt"
	"strings"

	"github.com/sandtable/sandtable/sim"
)

// budgetMark is how the gateway's refusal for a used-up budget begins.
const budgetMark = "sandtable: budget"

// failure classifies a result; nil: the turn came to its end. A subtype of success
// says nothing: an error of the API that ends a turn has it too.
func (a *Agent) failure(r *result) *sim.Failure {
	text := a.private(clip(r.Result, strings.Join(r.Errors, "; ")))
	fail := func(c sim.Category, what string) *sim.Failure {
		return &sim.Failure{Category: c, Text: strings.TrimRight(what+": "+text, ": ")}
	}
	switch {
	case r.Subtype == "error_max_turns":
		return fail(sim.Truncated, "the limit of model requests in one act is used up")
	case r.Subtype == "error_max_budget_usd":
		return fail(sim.Budget, "the client's own budget is used up")
	case r.IsError && strings.Contains(r.Result, budgetMark):
		return fail(sim.Budget, "the budget is used up")
	case tooLong(r):
		return fail(sim.Truncated, "the answer is cut off")
	case r.IsError && r.Subtype == "error_during_execution":
		return fail(sim.Crash, "the turn broke off")
	case r.IsError || r.APIErrorStatus != nil && *r.APIErrorStatus >= 400:
		return fail(sim.Transport, "the model could not be reached")
	case r.Subtype != "success":
		return fail(sim.Crash, fmt.Sprintf("the turn ended with %.60q", r.Subtype))
	}
	return nil
}

// tooLong tells whether a size cap ended the turn, the model's or the context's.
func tooLong(r *result) bool {
	switch r.TerminalReason {
	case "prompt_too_long", "blocking_limit", "rapid_refill_breaker":
		return true
	}
	return r.StopReason == "max_tokens" || r.StopReason == "model_context_window_exceeded"
}

// clip joins texts for a message, cut to a length that a log can bear.
func clip(texts ...string) string {
	var out []string
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	s := strings.Join(out, "; ")
	if len(s) > 1000 {
		s = strings.ToValidUTF8(s[:1000], "") + "…"
	}
	return s
}
