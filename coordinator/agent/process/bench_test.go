package process

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// threads is an idle agent of twelve threads, about as many as claude has.
const threads = "import threading,time\nfor _ in range(11): threading.Thread(target=time.sleep,args=(300,)).start()\nprint('up',flush=True)"

// BenchmarkFreezeThaw is the cost of one freeze and thaw for each idle agent, by means, by
// the kind of agent and by how many are frozen at once. Besides the time it reports the
// CPU time of this process, and that of the supervisor and the inits.
func BenchmarkFreezeThaw(b *testing.B) {
	py, err := findPython()
	if err != nil {
		b.Skip(err)
	}
	for _, m := range means {
		for _, n := range []int{1, 20} {
			for _, a := range []struct {
				name string
				argv []string
			}{{"plain", []string{"/bin/sh", "-c", "echo up; read x"}}, {"threads", []string{py, "-I", "-S", "-c", threads}}} {
				b.Run(fmt.Sprintf("%s-%s/%s/%d", m.Kill, m.Freeze, a.name, n), func(b *testing.B) { benchFreeze(b, a.argv, m, n) })
			}
		}
	}
}

func benchFreeze(b *testing.B, argv []string, m Means, n int) {
	s, err := Start(b.Context(), Options{Force: m})
	if err != nil {
		b.Skip(err)
	}
	defer s.Close(context.Background())
	var ps []*Process
	harness := []int{supervising(s)}
	for range n {
		p, err := s.Spawn(b.Context(), Spec{Argv: argv})
		if err != nil {
			b.Fatal(err)
		}
		p.Stdout.Read(make([]byte, 8))
		ps, harness = append(ps, p), append(harness, p.start.Init)
	}
	pause(b.Context(), 20*time.Millisecond) // until they have come to rest
	own, theirs := ownCPU(), cpuOf(harness)
	for b.Loop() {
		if err := FreezeAll(b.Context(), ps); err != nil {
			b.Fatal(err)
		}
		if err := ThawAll(ps); err != nil {
			b.Fatal(err)
		}
	}
	per := float64(b.N * n * 1000)
	b.ReportMetric(float64(ownCPU()-own)/per, "own-µs/agent")
	b.ReportMetric(float64(cpuOf(harness)-theirs)/per, "supervisor-µs/agent")
}

func ownCPU() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t)
	return time.Duration(t.Nano())
}

// cpuOf sums what the scheduler counts for every thread, in nanoseconds.
func cpuOf(pids []int) (sum time.Duration) {
	for _, pid := range pids {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, f := range files {
			text, _ := os.ReadFile(f)
			var ran int64
			fmt.Sscan(string(text), &ran)
			sum += time.Duration(ran)
		}
	}
	return sum
}
