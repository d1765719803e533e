package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// share reads a body and counts it against what an agent's open requests may hold
// together: what is made of a body takes many times its bytes, as long as the request is
// open, and an agent may open many.
type share struct {
	of   *account
	most int64 // bytes of all of the agent's bodies
	body io.Reader
	held int64
}

var errShare = errors.New("the agent's open requests are too large together")

// Read reads on, or returns errShare.
func (s *share) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	if !s.of.hold(int64(n), s.most) {
		return 0, errShare
	}
	s.held += int64(n)
	return n, err
}

// release gives back what has been read.
func (s *share) release() { s.of.hold(-s.held, s.most) }

// readAll reads r to its end. size is what the client says that will come, or negative;
// room is made for no more than a usual conversation before it has come.
func readAll(r io.Reader, size int64) ([]byte, error) {
	const usual = 1 << 20
	var b bytes.Buffer
	b.Grow(int(min(max(size, 0), usual)) + bytes.MinRead) // ReadFrom wants that much left at the end
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

// unread answers a request whose body could not be taken in.
func unread(w http.ResponseWriter, from *share, err error) {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		WriteError(w, http.StatusRequestEntityTooLarge, errTooLarge, fmt.Sprintf("Request exceeds the maximum size of %d bytes", large.Limit), false)
	case errors.Is(err, errShare):
		w.Header().Set("Retry-After", "1")
		WriteError(w, http.StatusTooManyRequests, errRate, fmt.Sprintf("sandtable: more than %d bytes in the open requests of one agent", from.most), true)
	default:
		WriteError(w, http.StatusBadRequest, errInvalid, "The body cannot be read: "+err.Error(), false)
	}
}
