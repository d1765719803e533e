package world

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Process is a started world program.
type Process struct {
	Stdin          io.WriteCloser
	Stdout, Stderr io.ReadCloser
	// Kill ends the process and everything it started. It may be called more than once,
	// by any goroutine, and does not wait.
	Kill func()
	// Wait returns when the process has ended and says how: "exit status 1". It is
	// called once, after both outputs have been read or given up.
	Wait func() string
}

// Spawn starts the program. The process must not depend on ctx after Spawn has
// returned; it is ended by Kill.
type Spawn func(ctx context.Context) (*Process, error)

// MaxLine is the longest line that is read from a program, in bytes: a state and its
// effects in one piece.
const MaxLine = 64 << 20

// grace is how long a process may take to end by itself once its input is closed.
const grace = 2 * time.Second

// stderrTail is how much of standard error goes into an [Error].
const stderrTail = 4 << 10

// child is the running process with the goroutines that read it.
type child struct {
	*Process
	lines  chan line
	quit   chan struct{} // closed by stop: nobody takes lines any more
	stop   func()
	silent chan struct{} // closed at the end of standard error
	pumps  sync.WaitGroup

	mu   sync.Mutex
	tail []byte // guarded by mu
}

// line is one line of standard output, or why there are no more.
type line struct {
	data []byte
	err  error
}

func newChild(p *Process, stderr func(string)) *child {
	c := &child{Process: p, lines: make(chan line), quit: make(chan struct{}), silent: make(chan struct{})}
	c.stop = sync.OnceFunc(func() { close(c.quit) })
	c.pumps.Go(c.readLines)
	c.pumps.Go(func() { c.readStderr(stderr) })
	return c
}

func (c *child) readLines() {
	r := newReader(c.Stdout)
	for {
		data, err := readLine(r, MaxLine)
		select {
		case c.lines <- line{data, err}:
		case <-c.quit:
			return
		}
		if err != nil {
			return
		}
	}
}

var errTooLong = fmt.Errorf("a line is longer than %d bytes", MaxLine)

// readLine reads up to a newline, at most `most` bytes with it. A last line without one
// comes with io.EOF: it is torn.
func readLine(r *bufio.Reader, most int) ([]byte, error) {
	var out []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(out)+len(part) > most {
			return nil, errTooLong
		}
		out = append(out, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return out, err
		}
	}
}

// write starts sending one line; the channel tells when it is done. A program that does
// not read would otherwise hold up its caller beyond the limit.
func (c *child) write(data []byte) <-chan error {
	done := make(chan error, 1)
	c.pumps.Go(func() {
		_, err := c.Stdin.Write(data)
		done <- err
	})
	return done
}

// readStderr hands the program's complaints on and remembers the last of them.
func (c *child) readStderr(sink func(string)) {
	defer close(c.silent)
	buf := make([]byte, 4<<10)
	for {
		n, err := c.Stderr.Read(buf)
		if n > 0 {
			c.mu.Lock()
			c.tail = append(c.tail, buf[:n]...)
			c.tail = c.tail[max(0, len(c.tail)-stderrTail):]
			c.mu.Unlock()
			if sink != nil {
				sink(string(buf[:n]))
			}
		}
		if err != nil {
			return
		}
	}
}

// end ends the process, waits for what reads and writes, and returns how it ended and
// its last words. It has `patience` to end by itself. Our ends of the pipes are closed
// last, which frees the readers even if something that the program started still holds
// the other ends.
func (c *child) end(patience time.Duration) (exit, stderr string) {
	c.stop()
	_ = c.Stdin.Close()
	if patience > 0 {
		c.lastWords(patience)
	}
	c.Kill()
	c.lastWords(grace)
	exit = c.Wait()
	_ = c.Stdout.Close()
	_ = c.Stderr.Close()
	c.pumps.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return exit, string(c.tail)
}

// lastWords waits for the end of standard error: a process that has ended has none.
func (c *child) lastWords(atMost time.Duration) {
	t := time.NewTimer(atMost)
	defer t.Stop()
	select {
	case <-c.silent:
	case <-t.C:
	}
}

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, 64<<10) }
