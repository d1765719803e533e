package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/sandtable/sandtable/coordinator"
)

// weight is what a child says of its memory.
type weight struct {
	Peak  float64 `json:"peak"`  // MB of resident memory, at most
	Early float64 `json:"early"` // the same after a tenth of the turns; 0: not taken
	Turns int     `json:"turns"`
}

// growth is in kB a turn, from a tenth of the turns on.
func (w weight) growth() float64 { return (w.Peak - w.Early) * 1e3 / (0.9 * float64(w.Turns)) }

// memory measures resident memory in processes of their own.
func (b *bench) memory() error {
	turns := b.pick(10_000, 1_000)
	idle, err := b.child("idle", 0)
	if err != nil {
		return err
	}
	bound := 64 + 4*float64(turns)/1e3
	for _, c := range []struct{ kind, what, peer string }{
		{"program", "resident memory of the coordinator at its peak, 2 program agents × %d turns", "promptfoo 0.121 388 MB at 5,000 tests; 350 MB at 21,420 (promptfoo#2049)"},
		{"scripted", "resident memory at its peak, 2 scripted agents × %d turns in memory, history hashed", "promptfoo 0.121 388 MB at 5,000 tests"},
	} {
		w, err := b.child(c.kind, turns)
		if err != nil {
			return fmt.Errorf("%s: %w", c.kind, err)
		}
		ours := fmt.Sprintf("%.0f MB", w.Peak)
		if w.Early > 0 {
			ours += fmt.Sprintf(", growing %.2f kB a turn", w.growth())
		}
		b.table.add(row{
			what: fmt.Sprintf(c.what, turns), ours: ours, bare: fmt.Sprintf("%.0f MB (the same program, idle)", idle.Peak), ratio: fmt.Sprintf("%.2f", w.Peak/idle.Peak),
			peer: c.peer, target: fmt.Sprintf("≤ 64 MB + 4 kB a turn = %.0f MB", bound), met: atMost(w.Peak, idle.Peak, bound, "%.0f MB"),
		})
	}
	return nil
}

// child executes this program again and reads what it says.
func (b *bench) child(kind string, turns int) (w weight, err error) {
	dir, err := b.folder()
	if err != nil {
		return w, err
	}
	cmd := exec.CommandContext(b.ctx, b.exe, "child", kind, strconv.Itoa(turns), dir)
	cmd.Stderr = b.log
	out, err := cmd.Output()
	if err != nil {
		return w, err
	}
	return w, json.Unmarshal(out, &w)
}

// childMain plays what its arguments say and prints a [weight].
func childMain(args []string, stdout, stderr io.Writer) int {
	w, err := weigh(args)
	if err == nil {
		err = json.NewEncoder(stdout).Encode(w)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench child:", err)
		return 1
	}
	return 0
}

func weigh(args []string) (w weight, err error) {
	if len(args) != 3 {
		return w, fmt.Errorf("want kind, turns and folder, not %q", args)
	}
	if w.Turns, err = strconv.Atoi(args[1]); err != nil {
		return w, err
	}
	exe, err := os.Executable()
	if err != nil {
		return w, err
	}
	b := &bench{ctx: context.Background(), exe: exe, dir: args[2], log: io.Discard}
	switch args[0] {
	case "idle":
	case "program":
		err = b.weighProgram(&w)
	case "scripted":
		err = b.weighScripted(&w)
	default:
		err = fmt.Errorf("there is no child %q", args[0])
	}
	w.Peak = peakMemory()
	return w, err
}

func (b *bench) weighProgram(w *weight) error {
	_, err := b.play(b.programScenario(2, 10, w.Turns), playing{from: max(1, w.Turns/10), window: func(begin bool) {
		if begin {
			w.Early = peakMemory()
		}
	}})
	return err
}

const scripted = `sandtable: 1
name: bench
seed: 1
agents:
  - {name: a, script: s.star}
  - {name: b, script: s.star}
turns:
  max: %d
  phases:
    - {name: p, action: {move: {enum: [C, D]}}}
`

func (b *bench) weighScripted(w *weight) error {
	run, err := b.expand(fmt.Sprintf(scripted, w.Turns), file{"s.star", "def act(view, agent, turn, ctx):\n    return {\"move\": \"C\"}\n"})
	if err != nil {
		return err
	}
	_, err = coordinator.NewMemory(run.Plan).Play(b.ctx, run)
	return err
}

// peakMemory is the most resident memory this process has had, in MB.
func peakMemory() float64 {
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb * 1024 / 1e6
		}
	}
	return 0
}
