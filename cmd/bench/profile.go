package main

import (
	"fmt"
	"os"
	"runtime/pprof"
)

// profiler profiles the measured turns of the next run, once; nil if that is not asked for.
func (b *bench) profiler() func(begin bool) {
	if b.profile == "" {
		return nil
	}
	name := b.profile
	var out *os.File
	return func(begin bool) {
		switch {
		case begin && b.profile != "":
			b.profile = ""
			var err error
			if out, err = os.Create(name); err == nil {
				err = pprof.StartCPUProfile(out)
			}
			if err != nil {
				fmt.Fprintln(b.log, "bench: no profile:", err)
			}
		case !begin && out != nil:
			pprof.StopCPUProfile()
			out.Close()
		}
	}
}
