package gateway

import (
	"bytes"
	"net/http"
	"strings"
)

// meter stands between an upstream and the client. It passes streams on as they come and
// holds other responses until they are complete; in both cases the row is in the ledger
// before the client can see the end. It changes no byte.
type meter struct {
	client http.ResponseWriter
	settle func(reading) error
	touch  func()

	status  int // 0: no header yet
	stream  bool
	settled bool
	held    bytes.Buffer // the body of a response that is no stream
	events  eventScanner
	read    reading
}

func newMeter(w http.ResponseWriter, settle func(reading) error, touch func()) *meter {
	return &meter{client: w, settle: settle, touch: touch}
}

// Header returns the client's header.
func (m *meter) Header() http.Header { return m.client.Header() }

// WriteHeader sends the header of a stream; any other waits for its body.
func (m *meter) WriteHeader(status int) {
	if status < 200 { // informational: not the answer yet
		m.client.WriteHeader(status)
		return
	}
	if m.status != 0 {
		return
	}
	m.status = status
	m.stream = status == http.StatusOK && strings.HasPrefix(m.Header().Get("Content-Type"), "text/event-stream")
	m.read.stream, m.read.http = m.stream, status
	if m.stream {
		m.client.WriteHeader(status)
	}
}

// Write meters and passes on. What the upstream has said counts whether or not the client
// is still there to hear it.
func (m *meter) Write(p []byte) (int, error) {
	if m.status == 0 {
		m.WriteHeader(http.StatusOK)
	}
	m.touch()
	if !m.stream {
		return m.held.Write(p)
	}
	m.events.feed(p, m.read.event)
	if m.read.ended {
		if err := m.book(); err != nil {
			return 0, err
		}
	}
	return m.client.Write(p)
}

// FlushError passes a stream's bytes on at once. [http.ResponseController] finds it.
func (m *meter) FlushError() error {
	if !m.stream {
		return nil
	}
	return http.NewResponseController(m.client).Flush()
}

// Flush is FlushError for those who ask for an [http.Flusher].
func (m *meter) Flush() { _ = m.FlushError() }

// finish ends a response whose upstream has returned.
func (m *meter) finish(gone bool) {
	switch {
	case m.stream:
		m.read.breakOff()
	case m.status == 0 && gone:
		m.read.status = Cut
	case m.status == 0:
		WriteError(m, http.StatusInternalServerError, errAPI, "sandtable: the upstream gave no answer", true)
		m.read.body(m.held.Bytes())
	default:
		m.read.body(m.held.Bytes())
	}
	if m.book() != nil {
		panic(http.ErrAbortHandler) // not booked: the client must not take it for done
	}
	if !m.stream && m.status != 0 {
		m.client.WriteHeader(m.status)
		m.client.Write(m.held.Bytes()) // a client that has gone has been booked all the same
	}
}

// abort books a response that the upstream broke off. Nothing more is sent.
func (m *meter) abort() {
	if !m.stream && m.held.Len() > 0 {
		m.read.body(m.held.Bytes())
	}
	m.read.status = Cut
	_ = m.book() // the fault has been reported, and the connection breaks off anyway
}

func (m *meter) book() error {
	if m.settled {
		return nil
	}
	m.settled = true
	return m.settle(m.read)
}
