package process

import (
	"encoding/binary"
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// The process table is read with plain system calls: the runtime's files would be put into
// its poller and taken out again each time, which costs more than the reading.

// open opens a file for reading; dir is where a relative name starts, or [unix.AT_FDCWD].
func open(dir int, name string) (fd int, err error) {
	for {
		fd, err = unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// readFile reads a whole file into buf, which grows if need be.
func readFile(dir int, name string, buf []byte) ([]byte, error) {
	fd, err := open(dir, name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return readAt(fd, buf)
}

// readAt reads an open file from its beginning into buf, which grows if need be.
func readAt(fd int, buf []byte) ([]byte, error) {
	buf = buf[:0]
	for {
		if cap(buf)-len(buf) < 64 {
			buf = append(buf, make([]byte, 4096)...)[:len(buf)]
		}
		n, err := unix.Pread(fd, buf[len(buf):cap(buf)], int64(len(buf)))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return buf, err
		case n == 0:
			return buf, nil
		default:
			buf = buf[:len(buf)+n]
		}
	}
}

// eachNumber calls f with every name in an open directory that begins with a digit. In a
// /proc these are its processes, in a task directory the threads. The name is good until
// f returns.
func eachNumber(fd int, f func(name []byte)) error {
	var buf [8192]byte
	return eachEntry(fd, 0, buf[:], func(_ int64, name []byte) {
		if isNumber(name) {
			f(name)
		}
	})
}

func isNumber(name []byte) bool { return name[0] >= '0' && name[0] <= '9' }

// eachEntry calls f with every name in an open directory from a position on, and with the
// position of that name: 0, or one that was told before for the same descriptor, as with
// telldir(3) and seekdir(3).
func eachEntry(fd int, from int64, buf []byte, f func(at int64, name []byte)) error {
	if _, err := unix.Seek(fd, from, io.SeekStart); err != nil {
		return err
	}
	for {
		n, err := unix.ReadDirent(fd, buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n == 0:
			return nil
		}
		for b := buf[:n]; len(b) > 0; b = b[direntSize(b):] {
			f(from, direntName(b))
			from = direntNext(b)
		}
	}
}

// A linux_dirent64 is an inode and the position of the next entry, of 8 bytes each, its own
// size of 2, a type of 1, and the name up to a zero byte: getdents64(2).
const direntHead = 19

func direntNext(b []byte) int64 { return int64(binary.NativeEndian.Uint64(b[8:])) }

func direntSize(b []byte) int { return int(binary.NativeEndian.Uint16(b[16:])) }

func direntName(b []byte) []byte {
	end := direntHead
	for b[end] != 0 {
		end++
	}
	return b[direntHead:end]
}

// countProcesses counts the processes that an open /proc of a PID namespace shows, zombies
// included. The fixed entries, fifty or so, come before them; first is where they end, for
// the next count to start from. It is the place of process 1, without whom the namespace
// has nobody, so that nobody can come before it; where 1 is not the first, it is 0.
func countProcesses(proc int, from int64) (n int, first int64, err error) {
	var buf [1024]byte // where from is known, a few processes are all there is
	err = eachEntry(proc, from, buf[:], func(at int64, name []byte) {
		if !isNumber(name) {
			return
		}
		if n++; n == 1 && string(name) == "1" {
			first = at
		}
	})
	return n, first, err
}
