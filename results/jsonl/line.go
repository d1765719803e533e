package jsonl

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// MaxLine is the longest line that is read or written, in bytes. A file that holds a
// longer one is no log of ours.
const MaxLine = 256 << 20

// Torn tells of bytes after the last whole line: what a kill or a full disk left.
type Torn struct {
	Line   int   // the line it would have been, from 1
	Offset int64 // where it begins
	Bytes  int64 // how many there are
}

// String says it in words.
func (t *Torn) String() string {
	return fmt.Sprintf("line %d is torn: %d bytes at offset %d have no end", t.Line, t.Bytes, t.Offset)
}

// CorruptError is a line that cannot be what was written.
type CorruptError struct {
	File   string
	Line   int   // from 1
	Offset int64 // where the line begins
	Good   int   // lines up to this one are known to be what was written; 0: none is
	Reason string
}

// Error names file, line and reason, and what can be relied on.
func (e *CorruptError) Error() string {
	good := "no line before it is known to be good"
	if e.Good > 0 {
		good = fmt.Sprintf("lines up to %d are good", e.Good)
	}
	return fmt.Sprintf("%s:%d: %s (at byte %d); %s", e.File, e.Line, e.Reason, e.Offset, good)
}

// Lines streams the whole lines of a log.
type Lines struct {
	name   string
	r      *bufio.Reader
	buf    []byte
	line   int
	begin  int64 // where the current line begins
	offset int64 // where the next one does
	torn   *Torn
}

// NewLines reads from r; name stands in errors.
func NewLines(r io.Reader, name string) *Lines {
	return &Lines{name: name, r: bufio.NewReaderSize(r, 64<<10)}
}

// Next returns the next whole line without its line feed, valid until the next call,
// or io.EOF. Any other error is the reader's, or a line beyond [MaxLine].
func (l *Lines) Next() ([]byte, error) {
	if l.torn != nil {
		return nil, io.EOF
	}
	l.buf, l.begin = l.buf[:0], l.offset
	for {
		part, err := l.r.ReadSlice('\n')
		l.buf, l.offset = append(l.buf, part...), l.offset+int64(len(part))
		switch {
		case err == nil:
			l.line++
			return l.buf[:len(l.buf)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
			if len(l.buf) > MaxLine {
				l.line++
				return nil, l.Corrupt(fmt.Sprintf("longer than %d bytes", MaxLine))
			}
		case errors.Is(err, io.EOF):
			return nil, l.end()
		default:
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
	}
}

func (l *Lines) end() error {
	if len(l.buf) > 0 {
		l.torn = &Torn{Line: l.line + 1, Offset: l.begin, Bytes: int64(len(l.buf))}
	}
	return io.EOF
}

// Torn returns what followed the last whole line once Next has returned io.EOF, or
// nil.
func (l *Lines) Torn() *Torn { return l.torn }

// Whole is where the whole lines read so far end.
func (l *Lines) Whole() int64 {
	if l.torn != nil {
		return l.torn.Offset
	}
	return l.offset
}

// Number is the number of the line returned last, from 1.
func (l *Lines) Number() int { return l.line }

// Corrupt is an error about the line returned last, in a log whose lines vouch for
// themselves.
func (l *Lines) Corrupt(reason string) error {
	return &CorruptError{File: l.name, Line: l.line, Offset: l.begin, Good: l.line - 1, Reason: reason}
}
