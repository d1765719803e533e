package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sandtable/sandtable/results/history"
)

// record tells one record.
func (t *teller) record(r history.Record) {
	switch r := r.(type) {
	case *history.Run:
		t.opened(r)
	case *history.Turn:
		t.turnOpened(r)
	case *history.Phase:
		if r.Skipped {
			t.line(1, "phase %s skipped", Clean(r.Phase))
		} else {
			t.line(1, "phase %s, lap %d, %s", Clean(r.Phase), r.Lap, cmp.Or(Clean(r.Order), "the world alone"))
		}
	case *history.Draw:
		t.line(2, "chance %s: %s%s = %s", Clean(r.Stream), Clean(r.Draw), args(r.Args), value(r.Result))
	case *history.Stage:
		t.stage(r)
	case *history.Seal:
		t.seal(r)
	case *history.Revision:
		t.revision(r)
	case *history.Metrics:
		t.metrics(r)
	case *history.End:
		t.end(r)
	}
}

func (t *teller) opened(r *history.Run) {
	t.line(0, "seed %d, replicate %d, params %s", r.Seed, r.Replicate, value(r.Params))
	for _, s := range r.Seats {
		t.line(1, "seat %s%s", Clean(s.Name), who(s.Player, s.Role))
	}
	t.line(1, "r0: files %d, root %s", len(r.Files), short(r.Root))
}

// who is what a seat is besides its name. A player that the agent spells out itself has
// no name.
func who(player, role string) string {
	var parts []string
	if player != "" {
		parts = append(parts, Clean(player))
	}
	if role != "" {
		parts = append(parts, "role "+Clean(role))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func (t *teller) stage(r *history.Stage) {
	switch {
	case len(r.Members) == 0:
		t.line(2, "stage %d.%d: nobody acts", r.Turn, r.Stage)
	case len(r.Members) == 1:
		t.line(2, "stage %d.%d: %s", r.Turn, r.Stage, names(r.Members))
	default:
		t.line(2, "stage %d.%d: %s; applied in the order %s", r.Turn, r.Stage, names(r.Members), names(r.Canonical))
	}
}

func (t *teller) turnOpened(r *history.Turn) {
	t.bill()
	t.turn = r.Turn
	t.line(0, "")
	joined := ""
	if len(r.Joined) > 0 {
		joined += "; joined: " + names(r.Joined)
	}
	if len(r.Left) > 0 {
		joined += "; left: " + names(r.Left)
	}
	t.line(0, "turn %d, live: %s%s", r.Turn, names(r.Live), joined)
}

// bill closes a turn with what it cost.
func (t *teller) bill() {
	if b, ok := t.turns[t.turn]; ok {
		t.line(1, "cost of turn %d: %s", t.turn, b)
	}
}

func args(list []history.Value) string {
	if len(list) == 0 {
		return ""
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = value(v)
	}
	return "(" + strings.Join(out, ", ") + ")"
}

func (t *teller) seal(r *history.Seal) {
	at := ""
	if when, ok := t.sealed[act{r.Turn, r.Stage, "", 0}]; ok {
		at = " at " + when.UTC().Format(time.RFC3339)
	}
	if r.Empty {
		t.line(3, "nobody was live")
	}
	t.line(2, "sealed %d.%d%s", r.Turn, r.Stage, at)
	for i := range r.Results {
		t.result(r, &r.Results[i])
	}
}

func (t *teller) result(seal *history.Seal, r *history.Result) {
	cost := ""
	if b, ok := t.bills[act{seal.Turn, seal.Stage, r.Agent, 0}]; ok {
		cost = " (" + b.String() + ")"
	}
	status := Clean(r.Status)
	if r.Substituted {
		status += ", default action"
	}
	if r.Forfeit {
		status += ", forfeits"
	}
	t.line(3, "%s %s%s", Clean(r.Agent), status, cost)
	for i, a := range r.Attempts {
		if prompt, ok := t.prompts[act{seal.Turn, seal.Stage, r.Agent, i + 1}]; ok {
			t.text(4, "prompt", prompt)
		}
		if a.Failure != nil {
			t.text(4, fmt.Sprintf("attempt %d %s", i+1, Clean(a.Failure.Category)), a.Failure.Text)
		}
	}
	if r.Action.V != nil {
		t.line(4, "action: %s", value(r.Action))
	}
	t.text(4, "says", r.Say)
	for _, l := range r.Mail {
		t.text(4, "writes to "+value(l.To), l.Text)
	}
}

func (t *teller) revision(r *history.Revision) {
	by := ""
	if r.Author != "" {
		by = " by " + Clean(r.Author)
	}
	state := ""
	if r.State != "" {
		state = ", state " + short(r.State)
	}
	t.line(2, "r%d%s: root %s%s", r.Revision, by, short(r.Root), state)
	for _, w := range r.WriteSets {
		t.writeSet(&w)
	}
	for _, d := range r.Deliveries {
		if d.Returned != "" {
			t.text(3, fmt.Sprintf("mail %d of %s came back (%s)", d.ID, Clean(d.Sender), Clean(d.Returned)), d.Text)
			continue
		}
		t.text(3, fmt.Sprintf("mail %d, %s to %s", d.ID, Clean(d.Sender), names(d.To)), d.Text)
	}
	for _, e := range r.Eliminated {
		t.line(3, "%s is out: %s (%s)", Clean(e.Agent), clip(e.Reason, 200), Clean(e.Status))
	}
}

func (t *teller) writeSet(w *history.WriteSet) {
	taken := "not taken"
	if w.Applied {
		taken = "taken"
	}
	t.line(3, "files of %s: %s", Clean(w.Author), taken)
	for _, d := range w.Decisions {
		winner := ""
		if d.Winner != "" {
			winner = ", head by " + Clean(d.Winner)
		}
		reason := ""
		if d.Reason != "" {
			reason = ": " + clip(strings.TrimPrefix(d.Reason, d.Path+": "), 200) // the line names the path already
		}
		t.line(4, "%s: %s%s%s", Clean(d.Path), told(d), winner, reason)
	}
}

// told is a decision in words; that a path was removed is one of them.
func told(d history.Decision) string {
	if d.New == nil {
		return explain(d.Outcome) + " (removed)"
	}
	return explain(d.Outcome)
}

// explain puts an outcome into words.
func explain(outcome string) string {
	switch outcome {
	case history.Applied:
		return "applied"
	case history.Same:
		return "the same already"
	case history.Merged:
		return "clean merge"
	case history.Superseded:
		return "applied, the head's bytes were displaced"
	case history.Kept:
		return "rejected, the first stays"
	case history.Stale:
		return "rejected, stale"
	case history.Conflict:
		return "rejected, conflict"
	case history.Withheld:
		return "not taken with its write set"
	}
	return Clean(outcome)
}

func (t *teller) metrics(r *history.Metrics) {
	if len(r.Values) > 0 {
		t.line(1, "metrics: %s", namedValues(r.Values))
	}
}

func namedValues(list []history.NamedValue) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = Clean(v.Name) + "=" + value(v.Value)
	}
	return strings.Join(out, ", ")
}

func (t *teller) end(r *history.End) {
	t.bill()
	how := []string{}
	for word, is := range map[string]bool{"terminated": r.Terminated, "truncated": r.Truncated, "void": r.Void} {
		if is {
			how = append(how, word)
		}
	}
	slices.Sort(how)
	t.always("")
	t.always("end after turn %d: %s (%s)", r.Turns, clip(r.Reason, 200), strings.Join(how, ", "))
	if len(r.Outcomes) > 0 {
		t.always("outcomes: %s", namedValues(r.Outcomes))
	}
	for _, seat := range sorted(r.Scores) {
		t.always("  %s scores %s, %s", Clean(seat), value(history.Value{V: float64(r.Scores[seat])}), Clean(r.Statuses[seat]))
	}
	for _, f := range r.Failures {
		t.always("  failed: %s %d.%d.%d %s: %s", Clean(f.Agent), f.Turn, f.Stage, f.Attempt, Clean(f.Category), clip(f.Text, 200))
	}
	if len(r.Draws) == 0 {
		t.always("deterministic: the seed has no effect")
	}
	for _, stream := range sorted(r.Draws) {
		t.always("  %s draws of %s", num(r.Draws[stream]), Clean(stream))
	}
}

// short is enough of a hash to tell two apart.
func short(h history.Hash) string {
	if len(h) > 12 {
		return string(h[:12])
	}
	return string(h)
}
