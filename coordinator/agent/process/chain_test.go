package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// chain is a program that never lives long: it forks and ends, its child does the same,
// and so on for ever. Each appends to the file a.
const chain = `open F,">>a"; while(1){ if(fork){ kill 9,$$ } syswrite F,"a" }`

// spawnChain starts an agent with such a program in the background. It must be a fast one.
func spawnChain(t *testing.T, s *Supervisor) (p *Process, marker string) {
	t.Helper()
	if _, err := exec.LookPath("perl"); err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	p, marker = spawn(t, s, "setsid perl -e '"+chain+"' & echo up; exec sleep 300")
	line(t, p)
	return p, marker
}

// Processes that have ended before anybody looks at them, and whose children came after
// they were listed, are found all the same: nothing is called frozen that is not.
func TestFreezeChain(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		p, _ := spawnChain(t, s)
		for range 30 {
			freezeFully(t, p)
		}
	})
}

// And nothing is called killed that is not.
func TestKillChain(t *testing.T) {
	eachMeans(t, func(t *testing.T, s *Supervisor) {
		for range 5 {
			p, marker := spawnChain(t, s)
			dir, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.PID()))
			eventually(t, 20*time.Second, "it writes", func() bool { return sizes(dir)[0] > 0 })
			var left *SurvivorsError
			if err := p.Kill(t.Context()); errors.As(err, &left) {
				continue // it forked faster than it was killed, and that was said
			} else if err != nil {
				t.Error(err)
			}
			if quiet(t, dir, "killed"); t.Failed() || marked(marker) != nil {
				t.Fatalf("left %v", marked(marker))
			}
		}
	})
}

// A walk is complete if it saw no dead, or the same zombies as the one before.
func TestComplete(t *testing.T) {
	a, b := stat{pid: 7, state: 'Z', start: 1}, stat{pid: 8, state: 'Z', start: 2}
	gone := stat{pid: 9, state: 'X'}
	for _, c := range []struct {
		before, dead []stat
		want         bool
	}{
		{nil, nil, true},
		{[]stat{a}, nil, true},
		{nil, []stat{a}, false},      // its child may have come after the look
		{[]stat{a}, []stat{a}, true}, // whoever left it dead is at rest
		{[]stat{a}, []stat{b}, false},
		{[]stat{gone}, []stat{gone}, false}, // gone, and still listed
		{nil, []stat{gone}, false},
	} {
		if got := complete(slices.Clone(c.before), c.dead); got != c.want {
			t.Errorf("after %v, %v: %t", c.before, c.dead, got)
		}
	}
}
