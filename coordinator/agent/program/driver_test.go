package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sandtable/sandtable/coordinator/agent"
	"github.com/sandtable/sandtable/sim"
)

// categories of a seat's failed attempts, then its status.
func outcome(s sim.Sealed) string {
	var out []string
	for _, a := range s.Attempts {
		if a.Failure != nil {
			out = append(out, string(a.Failure.Category))
		}
	}
	return strings.Join(append(out, string(s.Status)), " ")
}

// The example of the package's documentation plays: it is cut out and run.
func TestDocumentedProgram(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(doc), "A whole program in Python:\n//\n")
	script, _, _ = strings.Cut(script, "//\n// # How it works")
	script = regexp.MustCompile(`(?m)^//\t?`).ReplaceAllString(script, "")
	b := newBench(t, python(t, script))
	got := b.play(game{turns: 8})
	retried := 0
	for _, s := range got {
		if s.Status != sim.Committed {
			t.Errorf("%s: %+v", outcome(s), s)
		}
		if outcome(s) == "ILLEGAL committed" {
			retried++
			if !reflect.DeepEqual(s.Action, map[string]any{"want": int64(1)}) || s.Say != "sorry" {
				t.Errorf("%v, %q", s.Action, s.Say)
			}
		}
	}
	if retried == 0 || retried == len(got) || b.traced("log") != retried || b.spawns != 1 {
		t.Errorf("%d of %d retried, %d logs, %d processes", retried, len(got), b.traced("log"), b.spawns)
	}
	b.End(t.Context(), "max", false, nil)
	if b.traced("kill") != 0 || !strings.Contains(fmt.Sprint(b.trace), "exit code 0") {
		t.Errorf("it should have ended by itself: %v", b.trace)
	}
}

// What is sent is what scenario authors are promised, field by field.
func TestWhatIsSent(t *testing.T) {
	b := newBench(t, sh(`tee got | while read -r l; do case $l in
*'"type":"hello"'*) echo '{"type":"ready"}';;
*'"id":"1.1.1"'*'"type":"turn"'*) echo '{"type":"move","id":"1.1.1","action":{"want":100}}';;
*'"next_id":"1.1.2"'*) echo '{"type":"move","id":"1.1.2","action":{"want":13}}';;
*'"next_id":"1.1.3"'*) echo '{"type":"move","id":"1.1.3","action":{"want":9},"say":"hello","mail":[{"to":"b","text":"9?"}]}';;
*'"id":"2.1.1"'*) echo '{"type":"move","id":"2.1.1"}';;
*'"type":"end"'*) exit;; esac; done`))
	got := b.play(game{turns: 2, optional: true})
	score := 82.0
	b.Fail(t.Context(), "2.1.1", &sim.Failure{Category: sim.Illegal, Text: "no"})
	b.Fail(t.Context(), "9.9.9", &sim.Failure{Category: sim.Illegal, Text: "not asked"})
	b.End(t.Context(), "max", false, &score)
	if outcome(got[0]) != "ILLEGAL ILLEGAL committed" || got[0].Say != "hello" || outcome(got[1]) != "passed" ||
		!reflect.DeepEqual(got[0].Mail, []sim.Letter{{To: "b", Text: "9?"}}) {
		t.Errorf("%+v", got)
	}
	sent, err := os.ReadFile(filepath.Join(b.opts.Hello.View, "got"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(sent)), "\n")
	for i, want := range []string{
		`{"agent":{"name":"a","role":"fisher","vars":{"k":1}},"mcp":"http://127.0.0.1:1","prompt":"You are a.","protocol":1,"type":"hello","view":"` + b.opts.Hello.View + `"}`,
		`{"attempt":1,"id":"1.1.1","inbox":[],"lap":1,"mail":["b"],"notices":[],"observation":{"stock":80},"optional":true,"phase":"harvest","prompt":"How much?…","random":"…","schema":{…},"stage":1,"turn":1,"type":"turn"}`,
		`{"category":"ILLEGAL","id":"1.1.1","next_id":"1.1.2","text":"want: …","type":"error"}`,
		`{"category":"ILLEGAL","id":"1.1.2","next_id":"1.1.3","text":"13 is unlucky","type":"error"}`,
		`{"attempt":1,"id":"2.1.1","inbox":[{"id":1,"sender":"b","text":"hi <a>"}],"lap":1,"mail":["b"],"notices":[],"observation":{"stock":80},"optional":true,"phase":"harvest","prompt":"How much?…","random":"…","schema":{…},"stage":1,"turn":2,"type":"turn"}`,
		`{"category":"ILLEGAL","id":"2.1.1","text":"no","type":"error"}`,
		`{"reason":"max","score":82,"truncated":false,"type":"end"}`,
	} {
		if i >= len(lines) || !similar(want, lines[i]) {
			t.Fatalf("line %d of:\n%s\nwant %s", i, sent, want)
		}
	}
	var m struct{ Random string }
	json.Unmarshal([]byte(lines[1]), &m)
	if len(m.Random) != 64 || strings.Contains(lines[4], m.Random) {
		t.Errorf("random %q is no key of its own", m.Random)
	}
}

// similar compares; … stands for anything.
func similar(want, got string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$").MatchString(got)
}

// Programs that fail, what becomes of their attempts, and what the agent is told.
func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		script, want, text string
		spawns             int
		game               game
	}{
		"crash": {greet + `read t; printf 'bad \033[31m\377 thing' >&2; exit 3`, "CRASH CRASH crashed",
			"exit code 3; the end of its stderr:\nbad \\x1b[31m\\xff thing", 2, game{}},
		"signal":       {greet + `read t; kill -9 $$`, "CRASH CRASH crashed", "signal killed", 2, game{}},
		"not ready":    {`sleep 300`, "CRASH CRASH crashed", "did not answer hello with ready within 200ms", 2, game{}},
		"ends at once": {`exit 4`, "CRASH CRASH crashed", "exit code 4", 2, game{}},
		"closes stdout": {greet + `read t; exec >&-; sleep 300`, "CRASH CRASH crashed",
			"closed its input or output, went on, and was killed", 2, game{}},
		"not JSON":    {greet + `while read t; do echo oops; done`, "UNPARSABLE UNPARSABLE UNPARSABLE invalid", `not a JSON object: "oops"`, 1, game{}},
		"half JSON":   {greet + `while read t; do echo '{"type":'; done`, "UNPARSABLE UNPARSABLE UNPARSABLE invalid", "not a JSON object", 1, game{}},
		"a list":      {greet + `while read t; do echo '[]'; done`, "UNPARSABLE UNPARSABLE UNPARSABLE invalid", "not a JSON object", 1, game{}},
		"bad action":  {greet + `read t; echo '{"type":"move","id":"1.1.1","action":3}'; read t; echo '{"type":"move","id":"1.1.2","action":{"want":5}}'; cat`, "UNPARSABLE committed", "action: it must be a JSON object", 1, game{}},
		"bad say":     {greet + `read t; echo '{"type":"move","id":"1.1.1","say":{}}'; read t; echo '{"type":"move","id":"1.1.2","action":{"want":5}}'; cat`, "UNPARSABLE committed", "say: it must be a text", 1, game{}},
		"bad mail":    {greet + `read t; echo '{"type":"move","id":"1.1.1","mail":[{"to":"b"}]}'; read t; echo '{"type":"move","id":"1.1.2","action":{"want":5}}'; cat`, "UNPARSABLE committed", "mail[0]", 1, game{}},
		"one shot":    {greet + `read t; echo '{"type":"move","id":"'$(echo "$t" | grep -o '"id":"[0-9.]*"' | cut -d'"' -f4)'","action":{"want":5}}'`, "committed", "", 2, game{turns: 2}},
		"pass":        {greet + `read t; echo '{"type":"move","id":"1.1.1","action":null,"extra":1}'; cat`, "passed", "", 1, game{}},
		"say only":    {greet + `read t; echo '{"type":"move","id":"1.1.1","say":"well"}'; cat`, "committed", "", 1, game{noSchema: true}},
		"via reply":   {greet + `read t; echo '{"type":"move","id":"1.1.1","say":"I take {\"want\":5}"}'; cat`, "committed", "", 1, game{via: sim.ViaReply}},
		"unknown":     {greet + `read t; echo; echo '{"type":"hum","id":"1.1.1"}'; echo '{"x":1}'; echo '{"type":3}'; echo '{"type":"move","id":"1.1.1","action":{"want":5}}'; cat`, "committed", "", 1, game{}},
		"stale":       {greet + `read t; echo '{"type":"move","id":"0.1.1","action":{"want":4}}'; echo '{"type":"move","id":7}'; echo '{"type":"move","id":"1.1.1","action":{"want":5}}'; echo '{"type":"move","id":"1.1.1","action":{"want":6}}'; cat`, "committed", "", 1, game{}},
		"other case":  {greet + `read t; echo '{"TYPE":"log","type":"move","id":"1.1.1","ID":"x","Action":3,"action":{"want":5},"SAY":{},"mail":[{"to":"b","text":"t","TO":3,"Text":{}}]}'; cat`, "committed", "", 1, game{}},
		"not UTF-8":   {greet + `read t; printf '{"type":"move","id":"1.1.1","action":{"want":5},"say":"\377"}\n'; read t; echo '{"type":"move","id":"1.1.2","action":{"want":5}}'; cat`, "UNPARSABLE committed", "not UTF-8", 1, game{}},
		"last breath": {greet + `read t; echo '{"type":"move","id":"1.1.1","action":{"want":5}}'; exit 9`, "committed", "", 1, game{}},
		"no newline":  {greet + `read t; printf '{"type":"move","id":"1.1.1","action":{"want":5}}'`, "committed", "", 1, game{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sh(c.script), func(o *Options) {
				if name == "not ready" {
					o.StartLimit = 200 * time.Millisecond
				}
			})
			got := b.play(c.game)
			if outcome(got[0]) != c.want || b.spawns != c.spawns {
				t.Errorf("%s with %d processes, want %s with %d\n%+v", outcome(got[0]), b.spawns, c.want, c.spawns, got)
			}
			if c.text != "" && (got[0].Attempts[0].Failure == nil || !strings.Contains(got[0].Attempts[0].Failure.Text, c.text)) {
				t.Errorf("failure %+v, want %q", got[0].Attempts[0].Failure, c.text)
			}
			if c.want == "committed" && !c.game.noSchema && !reflect.DeepEqual(got[0].Action, map[string]any{"want": int64(5)}) {
				t.Errorf("action %v", got[0].Action)
			}
			if name == "stale" && b.traced("stale") < 2 {
				t.Errorf("%v", b.trace)
			}
		})
	}
}

// answers is a shell's answer to the turn in $t.
const answers = `echo '{"type":"move","id":"'$(echo "$t" | grep -o '"id":"[0-9.]*"' | cut -d'"' -f4)'","action":{"want":5}}'`

// A program that ends after its move is started anew for its next turn, also if it is
// still on its way out when that comes. One that has read its turn, and ends, has crashed.
func TestEndsAfterItsMove(t *testing.T) {
	once := newBench(t, sh(greet+`read t; `+answers))
	for i, s := range once.play(game{turns: 15}) {
		if outcome(s) != "committed" {
			t.Errorf("turn %d: %s", i+1, outcome(s))
		}
	}
	if once.spawns != 15 {
		t.Errorf("%d processes", once.spawns)
	}
	reads := newBench(t, sh(greet+`read t; `+answers+`; read t`))
	if got := reads.play(game{turns: 2}); outcome(got[0]) != "committed" || outcome(got[1]) != "CRASH committed" || reads.spawns != 2 {
		t.Errorf("%s, %s, %d processes", outcome(got[0]), outcome(got[1]), reads.spawns)
	}
}

// A process is told of a failed attempt only if it is the one of the stage before: else it
// gets the whole turn.
func TestRequestOfARetry(t *testing.T) {
	for asked, want := range map[string]bool{"2.1.1": true, "2.1.9": true, "": false, "1.1.1": false, "2.2.1": false, "2.11.1": false, "12.1.1": false} {
		if got := sameStage(asked, "2.1.2"); got != want {
			t.Errorf("%q: %t", asked, got)
		}
	}
}

func TestMissingProgram(t *testing.T) {
	b := newBench(t, []string{"/no/such/program"})
	if got := b.play(game{}); outcome(got[0]) != "CRASH CRASH crashed" || !strings.Contains(got[0].Attempts[0].Failure.Text, "no such file") {
		t.Errorf("%+v", got)
	}
}

// Deadlines: who gives a sign lives on, who does not is killed and started anew.
func TestTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		spawns int
		stale  int
	}{
		"ready":      {greet + `read t; read cancel; echo '{"type":"ready"}'; read t; echo '{"type":"move","id":"2.1.1","action":{"want":5}}'; cat`, 1, 0},
		"late move":  {greet + `read t; read cancel; echo '{"type":"move","id":"1.1.1","action":{"want":9}}'; read t; echo '{"type":"move","id":"2.1.1","action":{"want":5}}'; cat`, 1, 1},
		"deaf":       {greet + `read t; case $t in *2.1.1*) echo '{"type":"move","id":"2.1.1","action":{"want":5}}';; esac; trap '' INT TERM; while :; do sleep 1; done`, 2, 0},
		"ends":       {greet + `read t; case $t in *2.1.1*) echo '{"type":"move","id":"2.1.1","action":{"want":5}}';; esac; read cancel; exit`, 2, 0},
		"forks away": {greet + `setsid sleep 300 & read t; case $t in *2.1.1*) echo '{"type":"move","id":"2.1.1","action":{"want":5}}';; esac; sleep 300`, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sh(c.script))
			begin := time.Now()
			got := b.play(game{turns: 2, act: 1500 * time.Millisecond})
			if outcome(got[0]) != "TIMEOUT timeout" || outcome(got[1]) != "committed" || b.spawns != c.spawns || b.traced("stale") != c.stale {
				t.Errorf("%s, %s, %d processes, %d stale: %v", outcome(got[0]), outcome(got[1]), b.spawns, b.traced("stale"), b.trace)
			}
			if d := time.Since(begin); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// An act that is over before it begins is not asked: an answer that came in the moment of
// the cancel would count, by chance.
func TestOverBeforeItBegins(t *testing.T) {
	b := newBench(t, sh(greet+`while read m; do echo '{"type":"log","text":"read"}'; echo '{"type":"move","id":"1.1.1","action":{"want":5}}'; done`))
	b.play(game{each: func(ask *sim.Ask, a sim.Answer) {
		over, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("somebody pressed a key"))
		for range 50 {
			a := b.Act(over, ask, "Again?")
			if a.Failure == nil || a.Failure.Category != sim.Timeout || !strings.Contains(a.Failure.Text, "pressed a key") {
				t.Fatalf("%+v", a)
			}
		}
	}})
	b.End(t.Context(), "done", false, nil)
	if n := b.traced("log"); n > 2 { // the turn and the end
		t.Errorf("%d messages were read", n)
	}
}

// A program that never reads holds nobody up: the prompt is larger than a pipe.
func TestProgramThatDoesNotRead(t *testing.T) {
	b := newBench(t, sh(`echo '{"type":"ready"}'; exec sleep 300`), func(o *Options) { o.Hello.Prompt = strings.Repeat("x", 60000) })
	var took time.Duration
	b.play(game{act: 300 * time.Millisecond, each: func(ask *sim.Ask, a sim.Answer) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if a := b.Act(ctx, ask, strings.Repeat("y", 1<<20)); a.Failure == nil || a.Failure.Category != sim.Timeout {
			t.Errorf("%+v", a)
		}
		took = time.Since(begin)
	}})
	if took > 5*time.Second {
		t.Errorf("Act took %v", took)
	}
}

// Floods cost the program its attempt, and the coordinator neither memory nor time.
func TestFlood(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"no newline":  {greet + `read t; head -c 100000000 /dev/zero | tr '\0' x; read t; sleep 300`, "UNPARSABLE"},
		"lines":       {greet + `read t; yes oops | head -c 100000000; sleep 300`, "UNPARSABLE"},
		"logs":        {greet + `read t; yes '{"type":"log","text":"oops"}' | head -c 100000000; sleep 300`, "TRUNCATED"},
		"blank lines": {greet + `read t; yes '' | head -n 70000; sleep 300`, "TRUNCATED"},
		"stderr":      {greet + `read t; yes oops | head -c 100000000 >&2; echo '{"type":"move","id":"1.1.1","action":{"want":5}}'; cat`, ""},
		"long line":   {greet + `read t; head -c 1048577 /dev/zero | tr '\0' ' '; echo; echo '{"type":"move","id":"1.1.1","action":{"want":5}}'; sleep 300`, "UNPARSABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			var peak, start runtime.MemStats
			sink := &counter{}
			b := newBench(t, sh(c.script), func(o *Options) { o.Stderr = sink })
			runtime.GC()
			runtime.ReadMemStats(&start)
			stop := sample(&peak)
			policies := sim.DefaultFailures()
			policies.Illegal.Retry = 0
			begin := time.Now()
			got := b.play(game{failures: policies, each: func(*sim.Ask, sim.Answer) {
				if c.want != "" && name != "long line" {
					waitFor(t, "the flooding program is killed", func() bool { return b.traced("kill") == 1 })
				}
			}})
			stop()
			b.Close() // the writers have ended
			if want := strings.TrimSpace(c.want + " " + string(got[0].Status)); outcome(got[0]) != want || c.want == "" && got[0].Status != sim.Committed {
				t.Errorf("%s, want %s", outcome(got[0]), want)
			}
			if grown := int64(peak.HeapAlloc) - int64(start.HeapAlloc); grown > 16<<20 {
				t.Errorf("the heap grew by %d MiB", grown>>20)
			}
			if d := time.Since(begin); d > 20*time.Second {
				t.Errorf("took %v", d)
			}
			if n := len(b.trace); n > 2*maxNotes {
				t.Errorf("%d entries in the trace", n)
			}
			if sink.n > agent.MaxStderr+100 {
				t.Errorf("%d bytes of stderr in the file", sink.n)
			}
		})
	}
}

// A program that is killed for flooding is started anew for the next attempt: nobody asks
// the one that is dying, which would be a crash, of another policy.
func TestFloodIsRetried(t *testing.T) {
	b := newBench(t, sh(greet+`read t; yes '{"type":"log","text":"oops"}'`))
	if got := b.play(game{}); outcome(got[0]) != "TRUNCATED TRUNCATED TRUNCATED invalid" || b.spawns != 3 || b.traced("kill") != 3 {
		t.Errorf("%s with %d processes, %d killed", outcome(got[0]), b.spawns, b.traced("kill"))
	}
}

// What a program prints counts for the whole turn: a retry forgives nothing.
func TestFloodOverRetries(t *testing.T) {
	b := newBench(t, sh(greet+`n=0; while read t; do yes '{"type":"log","text":"x"}' | head -n 40000; n=$((n+1)); echo '{"type":"move","id":"1.1.'$n'","action":{"want":100}}'; done`))
	policies := sim.DefaultFailures()
	policies.Illegal.Retry = 1
	if got := b.play(game{failures: policies}); outcome(got[0]) != "ILLEGAL TRUNCATED invalid" {
		t.Errorf("%s", outcome(got[0]))
	}
}

type counter struct{ n int }

func (c *counter) Write(b []byte) (int, error) { c.n += len(b); return len(b), nil }

// sample records the largest heap until stopped.
func sample(peak *runtime.MemStats) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for t := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-quit:
				t.Stop()
				return
			case <-t.C:
				var m runtime.MemStats
				if runtime.ReadMemStats(&m); m.HeapAlloc > peak.HeapAlloc {
					*peak = m
				}
			}
		}
	}()
	return func() { close(quit); <-done }
}

func waitFor(t *testing.T, what string, cond func() bool) {
	t.Helper()
	limit, tick := time.After(15*time.Second), time.NewTicker(2*time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-limit:
			t.Errorf("not in time: %s", what)
			return
		}
	}
}

// A program that ended by itself is no running process, so that a new one is started before
// the clock of its next act runs.
func TestProcessHasEnded(t *testing.T) {
	b := newBench(t, sh(greet+`read t; exit`))
	if err := b.Start(t.Context()); err != nil || b.Process() == nil {
		t.Fatal(err, b.Process())
	}
	b.Process().Stdin.Close()
	waitFor(t, "the program has ended", func() bool { return b.Process() == nil })
	if err := b.Start(t.Context()); err != nil || b.Process() == nil || b.spawns != 2 {
		t.Errorf("%v, %d processes", err, b.spawns)
	}
}

func TestClosed(t *testing.T) {
	b := newBench(t, sh(greet+`cat`))
	if err := b.Start(t.Context()); err != nil || b.Process() == nil {
		t.Fatal(err, b.Process())
	}
	b.Close()
	b.Close()
	if err := b.Start(t.Context()); err == nil || b.Process() != nil {
		t.Errorf("%v, %v", err, b.Process())
	}
	if b.traced("start") != 1 || b.traced("exit") != 1 || b.spawns != 1 {
		t.Errorf("%v", b.trace)
	}
}
