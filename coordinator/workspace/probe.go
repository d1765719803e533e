package workspace

import (
	"errors"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// clock is an open file in the stage directory, without a name: what the file system
// says of its changes tells what time it is there, and how finely it tells time.
type clock struct {
	fd     int
	coarse bool // two changes in a row may carry the same ctime
	blind  bool // stores through mappings may leave neither a new stamp nor a writer
}

// startClock finds out how finely the file system of a directory tells time.
func startClock(dir int) (*clock, error) {
	const name = "clock"
	_ = unix.Unlinkat(dir, name, 0)
	if err := writeAt(dir, name, []byte("x"), 0o600); err != nil {
		return nil, &StorageError{"write", name, err}
	}
	defer unix.Unlinkat(dir, name, 0)
	blind := blindToStores(dir, name) // while nobody has it open
	fd, err := openAt(dir, name, unix.O_RDWR)
	if err != nil {
		return nil, &StorageError{"open", name, err}
	}
	c := &clock{fd: fd, blind: blind}
	if c.coarse, err = c.repeats(); err != nil {
		c.stop()
		return nil, &StorageError{"write", name, err}
	}
	return c, nil
}

// repeats reports whether changes in a row carry the same ctime.
func (c *clock) repeats() (bool, error) {
	last, err := c.change()
	for range 20 {
		if err != nil {
			return true, err
		}
		var now int64
		if now, err = c.change(); err == nil && now == last {
			return true, nil
		}
		last = now
	}
	return false, err
}

// change changes the file and returns the ctime that it got by that.
func (c *clock) change() (int64, error) {
	if _, err := unix.Pwrite(c.fd, []byte("y"), 0); err != nil {
		return 0, err
	}
	st, err := fstat(c.fd)
	return st.ctime, err
}

// now returns a time that no later change of the file system has a ctime before. Where
// the clock does not answer it is the beginning of time: then every stamp is too young.
func (c *clock) now() int64 {
	t, err := c.change()
	if err != nil {
		return 0
	}
	return t
}

// blindToStores tries out whether a store through a shared mapping moves the stamp also
// where the page was read first (on tmpfs it does not), and whether a mapping without a
// descriptor counts as a writer (on overlayfs it does not). Where either fails no stamp
// of a file proves anything.
func blindToStores(dir int, name string) bool {
	fd, err := openAt(dir, name, unix.O_RDWR)
	if err != nil {
		return true
	}
	mem, err := unix.Mmap(fd, 0, 1, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err == nil {
		defer unix.Munmap(mem)
		err = unix.Futimes(fd, make([]unix.Timeval, 2))
	}
	unix.Close(fd)
	if err != nil {
		return !errors.Is(err, unix.ENODEV) // no mappings at all: nothing to be blind to
	}
	if !store(mem) {
		return true
	}
	if fd, err = openAt(dir, name, unix.O_RDONLY); err != nil {
		return true
	}
	defer unix.Close(fd)
	st, err := fstat(fd)
	busy, _ := hasWriters(fd)
	return err != nil || st.mtime == 0 || !busy
}

// store reads a byte and changes it; false if the disk has no room for that, which the
// kernel tells by a fault.
func store(mem []byte) (done bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { done = recover() == nil }()
	mem[0]++
	return true
}

func (c *clock) stop() {
	if c != nil {
		unix.Close(c.fd)
	}
}
