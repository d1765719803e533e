package sim_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/sim"
)

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// What a schema remembers of good actions is small, however long the texts in them are:
// an agent could otherwise fill the memory with answers that are all legal.
func TestLongActionsAreNotKept(t *testing.T) {
	schema, err := sim.CompileSchema(map[string]any{"text": map[string]any{"type": "string"}})
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	for i := range 64 {
		if err := schema.Validate(map[string]any{"text": fmt.Sprint(i) + strings.Repeat("x", 1<<20)}); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("64 actions of 1 MiB left %d MiB behind", grown>>20)
	}
	runtime.KeepAlive(schema)
}
