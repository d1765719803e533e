package process

import (
	"fmt"
	"strings"
)

// Mean is one way of killing or freezing a process tree.
type Mean string

// The means. An empty Mean asks for the strongest that works.
const (
	PIDNamespace Mean = "pidns"
	Cgroup       Mean = "cgroup"
	Sweep        Mean = "sweep"
)

// Means is what was found by trying it out on this machine. In [Options.Force] only Kill
// and Freeze count.
type Means struct {
	Kill   Mean `json:"kill"`   // pidns, cgroup or sweep
	Freeze Mean `json:"freeze"` // cgroup or sweep
	// PrivateProc: an agent's /proc shows its own tree and nobody else's. A root agent
	// may unmount it.
	PrivateProc bool `json:"private_proc"`
	// CgroupRoot is the run's own cgroup, "" where no cgroup is used. It has one child
	// for each agent and is removed at the end.
	CgroupRoot string `json:"cgroup_root,omitempty"`
	// Notes say in words what does not work here and why.
	Notes []string `json:"notes,omitempty"`
}

// String is one line for a log.
func (m Means) String() string {
	s := fmt.Sprintf("kill=%s freeze=%s private_proc=%t", m.Kill, m.Freeze, m.PrivateProc)
	if len(m.Notes) > 0 {
		s += " (" + strings.Join(m.Notes, "; ") + ")"
	}
	return s
}

// found is what the single probes say.
type found struct {
	pidns, proc, cgroup bool
	root                string
	notes               []string
}

// choose picks the strongest means that were found, or the forced ones.
func (f found) choose(force Means) (Means, error) {
	m := Means{Kill: Sweep, Freeze: Sweep, Notes: f.notes}
	switch {
	case f.pidns:
		m.Kill = PIDNamespace
	case f.cgroup:
		m.Kill = Cgroup
	}
	if f.cgroup {
		m.Freeze = Cgroup
	}
	if force.Kill != "" {
		m.Kill = force.Kill
	}
	if force.Freeze != "" {
		m.Freeze = force.Freeze
	}
	m.PrivateProc = m.Kill == PIDNamespace && f.proc
	if m.Kill == Cgroup || m.Freeze == Cgroup {
		m.CgroupRoot = f.root
	}
	return m, f.missing(m)
}

// missing tells whether a forced means does not exist here.
func (f found) missing(m Means) error {
	why := strings.Join(f.notes, "; ")
	switch {
	case m.Kill == PIDNamespace && !f.pidns, m.Kill == Cgroup && !f.cgroup:
		return fmt.Errorf("killing by %s does not work here (%s): leave the means open, and the strongest that works is used", m.Kill, why)
	case m.Freeze == Cgroup && !f.cgroup:
		return fmt.Errorf("freezing by cgroup does not work here (%s): leave the means open, and the strongest that works is used", why)
	case m.Kill != PIDNamespace && m.Kill != Cgroup && m.Kill != Sweep:
		return fmt.Errorf("unknown means to kill %q: pidns, cgroup or sweep", m.Kill)
	case m.Freeze != Cgroup && m.Freeze != Sweep:
		return fmt.Errorf("unknown means to freeze %q: cgroup or sweep", m.Freeze)
	}
	return nil
}
