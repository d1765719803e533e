package coordinator

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/jsonl"
)

// trace writes trace.jsonl: how the run went. A trace that cannot be written costs the
// run nothing but its trace, and says so once.
type trace struct {
	out    *jsonl.Writer
	log    hclog.Logger
	start  time.Time
	failed atomic.Bool
	last   atomic.Int64 // nanoseconds since start of the last sign of life of any agent
}

// at says what an event belongs to.
type at struct {
	agent                string
	turn, stage, attempt int
}

func (t *trace) event(kind string, where at, text string, data any) {
	if t == nil || t.failed.Load() {
		return
	}
	now := time.Now()
	row := results.TraceRow{
		Time: now.UTC(), ElapsedNS: now.Sub(t.start).Nanoseconds(), Event: kind,
		Turn: where.turn, Stage: where.stage, Agent: where.agent, Attempt: where.attempt, Text: text,
	}
	if data != nil {
		raw, err := json.Marshal(data)
		if err != nil {
			raw, _ = json.Marshal(map[string]string{"unwritable": err.Error()})
		}
		row.Data = raw
	}
	if err := t.out.Append(row); err != nil && t.failed.CompareAndSwap(false, true) {
		t.log.Warn("the trace ends here: it cannot be written", "error", err)
	}
}

// alive notes a sign of life of an agent.
func (t *trace) alive() { t.last.Store(int64(time.Since(t.start))) }
