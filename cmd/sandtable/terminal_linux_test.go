package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/scenarios"
)

// pause takes a second: long enough for progress to be seen.
const pause = `sandtable: 1
name: pause
seed: 1
agents: [{name: clerk, runtime: program, command: [sh, pause.sh]}]
turns: {max: 1}
outcomes: {done: "${True}"}
expect: ["${rate('done') == 1}"]
`

const pauseAgent = `read -r hello
echo '{"type":"ready"}'
read -r turn
sleep 1
echo '{"type":"move","id":"1.1.1","say":"done"}'
read -r end
`

// TestTerminal runs the program at a terminal: there is a progress line and colour,
// unless the terminal or the person at it does not want any; and no width is too small.
func TestTerminal(t *testing.T) {
	const erase, green = "\r\x1b[K", "\x1b[32mpassed"
	dir := t.TempDir()
	write(t, filepath.Join(dir, scenarios.FileName), pause)
	write(t, filepath.Join(dir, "pause.sh"), pauseAgent)
	for name, c := range map[string]struct {
		env       []string
		width     uint16
		want, not []string
	}{
		"terminal":   {[]string{"TERM=xterm"}, 100, []string{erase, green}, nil},
		"no colour":  {[]string{"TERM=xterm", "NO_COLOR=1"}, 100, []string{erase, "pause: passed"}, []string{"\x1b[3"}},
		"NO_COLOR=":  {[]string{"TERM=xterm", "NO_COLOR="}, 100, []string{green}, nil}, // empty: not set (no-color.org)
		"dumb":       {[]string{"TERM=dumb"}, 100, []string{"pause: passed"}, []string{"\x1b"}},
		"no TERM":    {nil, 100, []string{"pause: passed"}, []string{"\x1b"}},
		"json":       {[]string{"TERM=xterm"}, 100, []string{`"verdict": "passed"`}, []string{"\x1b"}},
		"one column": {[]string{"TERM=xterm"}, 1, []string{erase, green}, nil},
		"no width":   {[]string{"TERM=xterm"}, 0, []string{erase, green}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"run", dir, "--out", t.TempDir()}
			if name == "json" {
				args = append(args, "--json")
			}
			got := atTerminal(t, c.width, c.env, args...)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in\n%q", want, got)
				}
			}
			for _, not := range c.not {
				if strings.Contains(got, not) {
					t.Errorf("%q is in\n%q", not, got)
				}
			}
		})
	}
}

// atTerminal returns what the program writes to a terminal of its own.
func atTerminal(t *testing.T, width uint16, env []string, args ...string) string {
	t.Helper()
	master, slave := terminalPair(t, width)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Args[0] = "sandtable" // see TestMain
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir(), "GORACE=" + noSleepAtExit}, env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	var out bytes.Buffer
	io.Copy(&out, master) // ends with an error when nobody has the other side open any more
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	return out.String()
}

func terminalPair(t *testing.T, width uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("SKIPPING what needs a terminal: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: width})
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPING what needs a terminal: %v", err)
	}
	return master, slave
}
