package program

import (
	"bufio"
	"errors"
	"io"
)

// maxLine is the protocol's bound on one line, without its newline.
const maxLine = 1 << 20

// errTooLong is returned once for a line above the bound, as soon as that is known.
var errTooLong = errors.New("a line is longer than 1 MiB")

// errSkipped is returned for further bytes of such a line.
var errSkipped = errors.New("the rest of a line that is too long")

// lines reads lines in bounded memory: a line's bytes and one buffer, whatever comes.
type lines struct {
	r    *bufio.Reader
	max  int
	line []byte
	skip bool // inside of a line that is too long
}

func newLines(r io.Reader, max int) *lines {
	return &lines{r: bufio.NewReaderSize(r, 32<<10), max: max}
}

// next returns a line without its newline, valid until the next call, and how many bytes
// were read for it. The last line may lack its newline. Besides the reader's errors it
// returns errTooLong and errSkipped, after which it can be called again.
func (l *lines) next() (line []byte, n int, err error) {
	l.line = l.line[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		n += len(part)
		ends := len(part) > 0 && part[len(part)-1] == '\n'
		if ends {
			part = part[:len(part)-1]
		}
		if l.skip {
			if l.skip = !ends; len(part) > 0 || ends {
				return nil, n, errSkipped
			}
			return nil, n, err
		}
		if len(l.line)+len(part) > l.max {
			l.skip, l.line = !ends, nil
			return nil, n, errTooLong
		}
		l.line = append(l.line, part...)
		switch {
		case ends:
			return l.line, n, nil
		case err == bufio.ErrBufferFull:
		case err == io.EOF && len(l.line) > 0:
			return l.line, n, nil
		default:
			return nil, n, err
		}
	}
}
