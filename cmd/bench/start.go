package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// start measures how long the binary takes to be there: its help, for which nothing is read.
func (b *bench) start() error {
	const target = 50
	binary, err := filepath.Abs(b.binary)
	if err != nil {
		return err
	}
	floor, err := exec.LookPath("true")
	if err != nil {
		return err
	}
	var ours, bare sample
	for range b.pick(40, 10) {
		for _, c := range []struct {
			into *sample
			argv []string
		}{{&bare, []string{floor}}, {&ours, []string{binary, "--help"}}} {
			begun := time.Now()
			if err := exec.CommandContext(b.ctx, c.argv[0], c.argv[1:]...).Run(); err != nil {
				return fmt.Errorf("%s: %w; is it built (make build)?", c.argv[0], err)
			}
			*c.into = append(*c.into, time.Since(begun).Seconds()*1e3)
		}
	}
	b.table.add(row{
		what: "start of the binary (sandtable --help)", ours: ours.show("%.1f", "ms"), bare: bare.show("%.1f", "ms") + " (true)",
		ratio: over(ours, bare), peer: "promptfoo 0.121 --version 3.1–3.4 s; claude 2.1.197 --version 0.10–0.13 s",
		target: fmt.Sprintf("≤ %d ms", target), met: atMost(ours.median(), bare.median(), target, "%.1f ms"),
	})
	return nil
}
