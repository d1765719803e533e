package report

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/history"
	"github.com/sandtable/sandtable/results/jsonl"
	"github.com/sandtable/sandtable/scenarios/expr"
)

// LogOptions of [Log].
type LogOptions struct {
	Turn    int  // only this turn; 0: all
	Prompts bool // show the prompts that the trace holds
	Text    int  // bytes shown of one text; 0: 2000
}

// NoSuchTurnError is a turn that a run did not come to.
type NoSuchTurnError struct {
	Run        string
	Turn, Last int
}

// Error names the run and its last turn.
func (e *NoSuchTurnError) Error() string {
	return fmt.Sprintf("%s: there is no turn %d: the last is %d", e.Run, e.Turn, e.Last)
}

// Log tells the story of a run turn by turn. What is torn or damaged is told where the
// story ends, and is an error only if nothing could be read.
func Log(w io.Writer, dir string, o LogOptions) error {
	run, err := results.OpenRun(dir)
	if err != nil {
		return err
	}
	o.Text = cmp.Or(o.Text, 2000)
	t := &teller{w: w, o: o}
	t.gather(run)
	t.head(run)
	t.play(run)
	if t.err == nil && o.Turn > t.turn {
		return &NoSuchTurnError{Run: dir, Turn: o.Turn, Last: t.turn}
	}
	return t.err
}

// act names one attempt's place in the run.
type act struct {
	turn, stage int
	agent       string
	attempt     int
}

// bill is what a turn, or one act of it, cost.
type bill struct{ tokens, nanousd int64 }

// teller writes a run's story. Its first write error sticks.
type teller struct {
	w       io.Writer
	o       LogOptions
	err     error
	turn    int
	bills   map[act]bill // attempt 0
	turns   map[int]bill
	sealed  map[act]time.Time // agent "" and attempt 0
	prompts map[act]string
	notes   []string // about logs beside the history
}

// line writes one line, indented, with what agents chose already cleaned.
func (t *teller) line(depth int, format string, args ...any) {
	if t.err != nil || t.o.Turn != 0 && t.turn != t.o.Turn {
		return
	}
	_, t.err = fmt.Fprintf(t.w, strings.Repeat("  ", depth)+format+"\n", args...)
}

// text writes a text of several lines behind a bar.
func (t *teller) text(depth int, label, s string) {
	if s == "" {
		return
	}
	shown := s
	if len(shown) > t.o.Text {
		shown = strings.ToValidUTF8(shown[:t.o.Text], "")
	}
	lines := strings.Split(CleanText(shown), "\n")
	if left := len(s) - len(shown); left > 0 {
		lines = append(lines, fmt.Sprintf("… %s more bytes", num(left)))
	}
	if len(lines) == 1 {
		t.line(depth, "%s: %s", label, lines[0])
		return
	}
	t.line(depth, "%s:", label)
	for _, l := range lines {
		t.line(depth+1, "| %s", l)
	}
}

// gather reads the ledger, and of the trace what is shown.
func (t *teller) gather(run *results.Run) {
	t.bills, t.turns = map[act]bill{}, map[int]bill{}
	t.sealed, t.prompts = map[act]time.Time{}, map[act]string{}
	torn, err := jsonl.Each(run.Ledger(), func(row *results.LedgerRow) error {
		key := act{row.Turn, row.Stage, row.Agent, 0}
		t.bills[key] = t.bills[key].plus(row)
		t.turns[row.Turn] = t.turns[row.Turn].plus(row)
		return nil
	})
	t.side(torn, err)
	torn, err = jsonl.Each(run.Trace(), func(row *results.TraceRow) error {
		switch {
		case row.Event == results.EventSealed:
			t.sealed[act{row.Turn, row.Stage, "", 0}] = row.Time
		case row.Event == results.EventPrompt && t.o.Prompts:
			t.prompts[act{row.Turn, row.Stage, row.Agent, row.Attempt}] = row.Text
		}
		return nil
	})
	t.side(torn, err)
}

func (b bill) plus(row *results.LedgerRow) bill {
	return bill{b.tokens + row.Tokens.Total(), b.nanousd + row.NanoUSD}
}

func (b bill) String() string { return Count(b.tokens) + " tokens, " + USD(b.nanousd) }

// side notes what is wrong with a log beside the history. That there is none is not.
func (t *teller) side(torn *jsonl.Torn, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.notes = append(t.notes, err.Error())
	}
	if torn != nil {
		t.notes = append(t.notes, torn.String())
	}
}

func (t *teller) head(run *results.Run) {
	info, err := run.Info()
	if err != nil {
		t.notes = append(t.notes, err.Error())
		return
	}
	t.always("run %s/%s: %s", Clean(info.Cell), results.RunID(info.Replicate), string(info.Status))
	if info.Tier != "" {
		t.always("tier %s", Clean(info.Tier))
	}
	if info.Error != "" {
		t.always("error: %s", clip(info.Error, 500))
	}
}

// always writes a line whatever turn is asked for.
func (t *teller) always(format string, args ...any) {
	only := t.o.Turn
	t.o.Turn = 0
	t.line(0, format, args...)
	t.o.Turn = only
}

func (t *teller) play(run *results.Run) {
	r, err := history.Open(run.History())
	if err != nil {
		t.always("no history: %s", Clean(err.Error()))
		t.finish()
		return
	}
	defer r.Close()
	for t.err == nil {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			if r.Torn() != nil {
				t.notes = append(t.notes, "history.jsonl: "+r.Torn().String())
			}
			t.note(run, r.Hash())
			break
		}
		if err != nil {
			t.notes = append(t.notes, err.Error())
			break
		}
		t.record(line.Record)
	}
	t.always("history %s", string(r.Hash()))
	t.finish()
}

// note notes if the history is not the one that run.json names; that run.json cannot be
// read is noted elsewhere.
func (t *teller) note(run *results.Run, read history.Hash) {
	if info, err := run.Info(); err == nil && info.Mismatch(read) != "" {
		t.notes = append(t.notes, info.Mismatch(read))
	}
}

func (t *teller) finish() {
	for _, n := range t.notes {
		t.always("problem: %s", clip(n, 500))
	}
}

// value writes a JSON value in one line.
func value(v history.Value) string {
	text, err := expr.Canonical(v.V)
	if err != nil {
		return Clean(err.Error())
	}
	return clip(string(text), 1000)
}

func names(list []string) string { return Clean(strings.Join(list, ", ")) }
