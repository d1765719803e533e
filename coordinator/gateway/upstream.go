package gateway

import (
	"context"
	"net/http"
)

// Upstream answers the requests that the gateway lets through: the scripted model, the
// real API, a recording, or a wrapper around another upstream.
type Upstream interface {
	// Serve answers call on w, as the Messages API would, errors included. It flushes
	// what should not wait, and returns soon after the call's context is done: the
	// client has gone, or the gateway closes. It is called concurrently. Panicking with
	// [http.ErrAbortHandler] breaks the response off.
	Serve(w http.ResponseWriter, call *Call)
}

// Endpoint is what a call asks for.
type Endpoint string

// The endpoints that reach an upstream.
const (
	Inference Endpoint = "messages"     // POST v1/messages: billed
	Counting  Endpoint = "count_tokens" // POST v1/messages/count_tokens: not billed
)

// Attribution is what an agent is working on.
type Attribution struct {
	Turn    int
	Phase   string
	Stage   int
	Attempt int
}

// Call is one request on its way to the upstream. It may not be changed.
type Call struct {
	Endpoint Endpoint
	Agent    string
	Attribution
	Kind Kind // of an inference
	// Ordinal counts the agent's inferences from 1, earlier coordinators' included.
	Ordinal int64
	Request *Request
	Body    []byte // exactly as the client sent it
	// HTTP has the method, the headers and the query as the client sent them, the
	// gateway's key among them. Its path is without the agent's prefix; its body is read.
	HTTP *http.Request

	talk   *conversation
	system string // Request.System without the machine's paths
	// errand: a request of the client's own (without tools), which a script should not
	// have to expect. Kind does not tell: an errand that is retried is a retry.
	errand bool
}

// Context is done when the client has gone or the gateway closes.
func (c *Call) Context() context.Context { return c.HTTP.Context() }
