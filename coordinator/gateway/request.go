package gateway

// Request is what the gateway reads in the body of an inference or counting request. It
// is a reading, not the request: what is passed on is always the body itself. It may not
// be changed: parts of it are parts of other requests, too.
type Request struct {
	Model     string
	Stream    bool
	MaxTokens int64 // 0 if the body has none; only counting requests may
	System    string
	Messages  []Message
	Tools     []string // names, in order

	pieces []*piece // a piece for each message
}

// Message is one message of a conversation. Roles are an open set: clients put messages
// with role "system" between the others.
type Message struct {
	Role   string
	Blocks []Block
}

// Block is one content block. Types are an open set; fields that a type does not have
// are zero.
type Block struct {
	Type    string
	Text    string // of a text block, and the joined texts of a tool_result
	ID      string // of a tool_use, and the one that a tool_result answers
	Name    string // of a tool_use
	Input   any    // of a tool_use: a JSON value
	IsError bool   // of a tool_result
}

// ParseRequest reads the body of an inference request, or of a counting one, which needs
// no max_tokens. The error names the place in the body. Fields and types that it does not
// know are let through.
func ParseRequest(body []byte, counting bool) (*Request, error) {
	o, err := open(body, recollection{})
	if err != nil {
		return nil, err
	}
	return o.request(counting)
}
