package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/sandtable/sandtable/sim/tree"
)

// TestContentIsFlushedBeforeIntents: when a publish has made its promise, nothing that it
// promises is waiting to be flushed.
func TestContentIsFlushedBeforeIntents(t *testing.T) {
	var b *bench
	waiting := -1
	b = newBench(t, func(o *Options) {
		o.fail = func(step string) error {
			if step == "intent" && b != nil {
				waiting = len(b.w.blobs.pending)
			}
			return nil
		}
	})
	next := b.change(b.seed(nil), map[string]string{"f": "new"})
	if len(b.w.blobs.pending) != 1 {
		t.Fatal("nothing waits: this shows nothing")
	}
	if must(t, b.publish(next)); waiting != 0 {
		t.Errorf("%d contents wait to be flushed behind the intents", waiting)
	}
}

// TestLostContentAborts: a loss of power took content that intents name. The revision
// before stands, and the number is free again.
func TestLostContentAborts(t *testing.T) {
	armed := false
	b := newBench(t, func(o *Options) {
		o.fail = func(step string) error {
			if armed && step == "intent" {
				return errKilled
			}
			return nil
		}
	})
	r0 := b.seed(map[string]string{"f": "old"})
	next := b.change(r0, map[string]string{"f": "new", "g": "g"})
	armed = true
	if b.publish(next) == nil {
		t.Fatal("not killed")
	}
	b.crash()
	must(t, os.Remove(filepath.Join(b.journal, "blobs", tree.HashOf([]byte("new")).String())))
	b.open()
	head, rev, _ := b.w.Head()
	if head.Root() != r0.Root() || rev != 0 || len(b.records(RecAbort)) != 1 {
		t.Errorf("revision %d, %d aborts", rev, len(b.records(RecAbort)))
	}
	b.want(b.head(), map[string]string{"f": "old"})
	b.rev = 0
	must(t, b.publish(b.change(head, map[string]string{"f": "again"})))
	b.want(b.head(), map[string]string{"f": "again"})
}

// TestRestartOfTheMachine: files of the head that were never flushed may be short then.
// They are laid out from the journal and taken for nobody's change.
func TestRestartOfTheMachine(t *testing.T) {
	b := newBench(t)
	b.seed(map[string]string{"f": "whole", "g": "g"})
	must(t, b.w.Close())
	b.reboot()
	must(t, os.Truncate(filepath.Join(b.head(), "f"), 0))
	b.open()
	b.want(b.head(), map[string]string{"f": "whole", "g": "g"})
	if ws := b.foreign(); len(ws) != 0 {
		t.Errorf("foreign: %v", ws)
	}
}

// reboot writes the log anew as another boot of the machine would have left it.
func (b *bench) reboot() {
	b.Helper()
	name := filepath.Join(b.journal, "wal.jsonl")
	log, err := ReadWAL(name)
	must(b, err)
	var out []byte
	prev := ""
	for _, r := range log.Records {
		if r.Type == RecEpoch {
			r.Boot = "another"
		}
		r.Prev = prev
		line, err := encodeRecord(r)
		must(b, err)
		sum := sha256.Sum256(line)
		prev, out = hex.EncodeToString(sum[:]), append(append(out, line...), '\n')
	}
	must(b, os.WriteFile(name, out, 0o644))
}

// TestOnlyWhatWasDecidedIsSettled: a displaced change waits while another one of its path
// is decided, also over a restart.
func TestOnlyWhatWasDecidedIsSettled(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"f": "0"})
	b.put(filepath.Join(b.head(), "f"), "displaced")
	must(t, b.publish(b.change(r0, map[string]string{"f": "1"})))
	b.put(filepath.Join(b.head(), "f"), "found")
	first := b.foreign()
	if len(first) != 1 || b.text(first[0].Base) != "1" || b.text(first[0].New) != "found" {
		t.Fatalf("first: %v", first)
	}
	b.commit("@foreign", first)
	must(t, b.w.Close())
	b.open()
	second := b.foreign()
	if len(second) != 1 || b.text(second[0].Base) != "0" || b.text(second[0].New) != "displaced" {
		t.Errorf("second: %v", second)
	}
}
