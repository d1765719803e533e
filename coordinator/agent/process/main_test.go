package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if handled, code := Main(os.Args); handled {
		os.Exit(code)
	}
	if os.Getenv("SANDTABLE_TEST_COORDINATOR") != "" {
		os.Exit(coordinatorToBeKilled())
	}
	if os.Getenv("SANDTABLE_TEST_HIDEPID") != "" {
		os.Exit(hidden())
	}
	if os.Getenv("SANDTABLE_TEST_MEANS") != "" {
		os.Exit(printMeans())
	}
	goleak.VerifyTestMain(m)
}

// means are all combinations that a run may have.
var means = []Means{
	{Kill: PIDNamespace, Freeze: Cgroup},
	{Kill: PIDNamespace, Freeze: Sweep},
	{Kill: Cgroup, Freeze: Cgroup},
	{Kill: Sweep, Freeze: Sweep},
}

// eachMeans runs f once for each combination; what this machine lacks is skipped aloud.
func eachMeans(t *testing.T, f func(t *testing.T, s *Supervisor)) {
	for _, m := range means {
		t.Run(string(m.Kill)+"-"+string(m.Freeze), func(t *testing.T) {
			if testing.Short() && m.Kill != m.Freeze && m.Freeze == Sweep {
				t.Skip("NOT TESTED in short runs: both halves are tested in others")
			}
			f(t, startForced(t, m))
		})
	}
}

func startForced(t *testing.T, m Means) *Supervisor {
	t.Helper()
	t.TempDir() // the first one asked for decides when all are removed: after Close, and not while agents write
	s, err := Start(t.Context(), Options{Force: m, Log: testLog(t)})
	if err != nil && strings.Contains(err.Error(), "does not work here") {
		t.Skipf("NOT TESTED on this machine: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil && !t.Failed() && !expectsDeath(t) {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// expectsDeath: these tests kill the supervisor themselves.
func expectsDeath(t *testing.T) bool { return strings.Contains(t.Name(), "SupervisorKilled") }

func testLog(t *testing.T) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: testWriter{t}})
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// spawn starts a shell whose processes all carry a marker in their environment.
func spawn(t *testing.T, s *Supervisor, script string) (p *Process, marker string) {
	t.Helper()
	marker = newMarker(t)
	p, err := s.Spawn(t.Context(), Spec{Name: "a", Argv: []string{"sh", "-c", script}, Env: markedEnv(marker), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return p, marker
}

func newMarker(t *testing.T) string {
	return fmt.Sprintf("%s-%d-%d", strings.ReplaceAll(t.Name(), "/", "."), os.Getpid(), time.Now().UnixNano())
}

func markedEnv(marker string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "SANDTABLE_TEST_MARKER=" + marker}
}

// marked lists the living processes of the whole machine that carry the marker. It looks
// at environments only, and so shares nothing with what it tests.
func marked(marker string) []int {
	dirs, _ := os.ReadDir("/proc")
	var out []int
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		env, _ := os.ReadFile("/proc/" + d.Name() + "/environ")
		if bytes.Contains(env, []byte("SANDTABLE_TEST_MARKER="+marker+"\x00")) {
			out = append(out, pid)
		}
	}
	return out
}

// eventually waits until cond holds.
func eventually(t *testing.T, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for !cond() {
		if pause(ctx, 2*time.Millisecond) != nil {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// line reads one line of the agent's stdout.
func line(t *testing.T, p *Process) string {
	t.Helper()
	p.Stdout.SetReadDeadline(time.Now().Add(20 * time.Second))
	var out []byte
	for b := make([]byte, 1); ; {
		if _, err := p.Stdout.Read(b); err != nil {
			t.Fatalf("stdout after %q: %v", out, err)
		}
		if b[0] == '\n' {
			return string(out)
		}
		out = append(out, b[0])
	}
}
