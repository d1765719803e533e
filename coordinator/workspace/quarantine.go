package workspace

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// parked is a displaced inode that someone may still write into.
type parked struct {
	name string // in the quarantine directory
	path string // where it was
	m    *mirror
	base tree.Entry // what it held when it was displaced
	last tree.Entry // what was last stored of it
}

// parking is the list of parked inodes.
type parking struct {
	mu   sync.Mutex
	list []parked
}

func (p *parking) add(one parked) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, one)
}

// take removes and returns what was parked by a mirror.
func (p *parking) take(m *mirror) []parked {
	p.mu.Lock()
	defer p.mu.Unlock()
	var mine, rest []parked
	for _, one := range p.list {
		if one.m == m {
			mine = append(mine, one)
		} else {
			rest = append(rest, one)
		}
	}
	p.list = rest
	return mine
}

// sweep looks at the inodes a mirror has parked: bytes written since are stored and
// reported as late, and an inode that nobody writes any more is removed. The caller
// holds the mirror's mutex.
func (m *mirror) sweep() error {
	for _, one := range m.w.parked.take(m) {
		keep, err := m.inspect(&one)
		if keep || err != nil {
			m.w.parked.add(one)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *mirror) inspect(one *parked) (keep bool, err error) {
	fd, err := openAt(m.w.quarantine, one.name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return false, nil // removed by hand: nothing is left to look at
	}
	defer unix.Close(fd)
	// The writer test comes before the look: who is gone by then writes no more.
	busy, _ := hasWriters(fd)
	if err := m.inspectContent(fd, one); err != nil {
		return true, err
	}
	if busy || one.last.Absent() {
		return true, nil
	}
	return false, unlinkStaged(m.w.quarantine, one.name, one.path)
}

// inspectContent stores what has been written since the last look. The stamp alone is
// not trusted: stores through a mapping may not have moved it.
func (m *mirror) inspectContent(fd int, one *parked) error {
	st, err := fstat(fd)
	if err != nil || st.size > m.w.opt.MaxFile {
		return err
	}
	data, err := m.readAll(fd, st.size)
	if err != nil {
		return err
	}
	now := tree.Entry{Kind: fileKind(st.mode), Hash: tree.HashOf(data), Size: int64(len(data))}
	if now == one.last {
		return nil
	}
	if _, err := m.w.blobs.Put(data); err != nil {
		return err
	}
	one.last = now
	m.w.count(func(s *Stats) { s.Late++ })
	return m.late(one.path, one.base, now, "written through a descriptor that was still open after the file was replaced")
}
