package process

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Messages are gob, because arguments and environments are bytes and need not be text.

// request is what the coordinator asks of the supervisor.
type request struct {
	Kill int // an agent's id; 0: spawn
	ID   int
	Spec Spec // with three descriptors: stdin, stdout, stderr
}

// notice is what the supervisor tells. Exactly one pointer is set.
type notice struct {
	Hello   *hello
	Started *started
	Exited  *exited
	Bye     *bye
}

type hello struct {
	Means Means
	Err   string
}

type started struct {
	ID          int
	Err         string // why it did not start
	PID         int    // the agent, seen from outside its namespace
	Start       uint64
	Init        int
	InitStart   uint64
	CgroupFiles string // the directory of the agent's cgroup, or ""
	// If the agent has a /proc of its own, a descriptor of that comes with this.
}

type exited struct {
	ID        int
	Code      int
	Signal    int
	Survivors []int
}

type bye struct{ Survivors []int }

// order is what an init is told, report what it tells.
type order struct {
	Spec  Spec
	Own   bool // it is PID 1 of a namespace of its own
	Mount bool // and mounts its own /proc
	// Cgroup: the agent is started in the cgroup whose directory is the init's descriptor
	// initCgroup. The init itself is in the one above.
	Cgroup bool
}

type report struct {
	Err    string // the agent could not be started
	PID    int    // started; in the init's namespace. With it comes /proc, if it mounted one
	Ended  bool
	Code   int
	Signal int
}

// maxMessage bounds one message: the kernel's limit on arguments and environment is a
// few megabytes.
const maxMessage = 64 << 20

// link is one end of the socket.
type link struct {
	conn *net.UnixConn
	mu   sync.Mutex // one message at a time
}

// socketPair makes a link and the other end of it, for another process.
func socketPair() (ours *link, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	theirs = os.NewFile(uintptr(fds[1]), "their end")
	if ours, err = newLink(os.NewFile(uintptr(fds[0]), "our end")); err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// newLink takes over f.
func newLink(f *os.File) (*link, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("%s is not a Unix socket", f.Name())
	}
	return &link{conn: u}, nil
}

// send writes one message; the descriptors travel with its length.
func (l *link) send(msg any, files ...*os.File) error {
	var body bytes.Buffer
	if err := gob.NewEncoder(&body).Encode(msg); err != nil {
		return err
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(body.Len()))
	var oob []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		oob = unix.UnixRights(fds...)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, _, err := l.conn.WriteMsgUnix(head, oob, nil); err != nil {
		return err
	}
	_, err := l.conn.Write(body.Bytes())
	return err
}

// receive reads one message and what descriptors came with it.
func (l *link) receive(msg any) ([]*os.File, error) {
	head, oob := make([]byte, 4), make([]byte, unix.CmsgSpace(3*4))
	n, oobn, _, _, err := l.conn.ReadMsgUnix(head, oob)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, io.EOF
	}
	files, err := parseRights(oob[:oobn])
	if err == nil {
		_, err = io.ReadFull(l.conn, head[n:])
	}
	if err == nil {
		err = l.body(binary.BigEndian.Uint32(head), msg)
	}
	if err != nil {
		closeAll(files)
		return nil, err
	}
	return files, nil
}

func (l *link) body(size uint32, msg any) error {
	if size > maxMessage {
		return fmt.Errorf("a message of %d bytes is above %d", size, maxMessage)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(l.conn, b); err != nil {
		return err
	}
	return gob.NewDecoder(bytes.NewReader(b)).Decode(msg)
}

func parseRights(oob []byte) ([]*os.File, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	msgs, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, m := range msgs {
		fds, err := syscall.ParseUnixRights(&m)
		if err != nil {
			return files, err
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}
