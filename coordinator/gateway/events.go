package gateway

import "bytes"

// eventScanner cuts a stream of server-sent events into the data of each event. It is fed
// pieces of any size and keeps at most maxEvent bytes; the data of a longer event is
// dropped, for none that is read is as long.
type eventScanner struct {
	line []byte // the unfinished line
	data []byte // the data of the unfinished event
	skip bool   // the event is too long
}

const maxEvent = 8 << 20

// feed takes in p and calls yield with the data of every event that it completes. The
// data is good until yield returns.
func (s *eventScanner) feed(p []byte, yield func(data []byte)) {
	for {
		line, rest, complete := bytes.Cut(p, []byte("\n"))
		if len(s.line)+len(line) <= maxEvent {
			s.line = append(s.line, line...)
		} else {
			s.skip = true
		}
		if !complete {
			return
		}
		s.endLine(yield)
		p = rest
	}
}

func (s *eventScanner) endLine(yield func([]byte)) {
	line := bytes.TrimSuffix(s.line, []byte("\r"))
	if len(line) == 0 {
		if len(s.data) > 0 && !s.skip {
			yield(s.data)
		}
		s.data, s.skip = s.data[:0], false
	}
	if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
		data = bytes.TrimPrefix(data, []byte(" "))
		if len(s.data)+len(data) > maxEvent {
			s.skip = true
		} else {
			s.data = append(append(s.data, data...), '\n')
		}
	}
	s.line = s.line[:0]
}
