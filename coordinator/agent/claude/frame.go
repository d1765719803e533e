package claude

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// The bounds of what a process may say. The longest lines seen are results of reading
// files, 0.4 MB for a file of 0.2 MB; images are larger. Memory for a line grows with
// the line, up to MaxLine.
const (
	MaxLine    = 16 << 20 // bytes in a line
	MaxOutput  = 64 << 20 // bytes on stdout in one act, and in a start
	MaxGarbage = 16       // lines in one act that are not JSON objects
)

var errLine = errors.New("a line of output is longer than 16 MiB")

// frame is one line of the process. Kinds and fields are open sets: what is not here
// is ignored.
type frame struct {
	Type      string          `json:"type"`
	Subtype   string          `json:"subtype"`
	RequestID string          `json:"request_id"`
	Request   json.RawMessage `json:"request"`
	Response  json.RawMessage `json:"response"`
	Message   json.RawMessage `json:"message"`
	Parent    *string         `json:"parent_tool_use_id"`
}

// result is the frame that ends a turn.
type result struct {
	Subtype        string                `json:"subtype"`
	IsError        bool                  `json:"is_error"`
	APIErrorStatus *int                  `json:"api_error_status"`
	Result         string                `json:"result"`
	Errors         []string              `json:"errors"`
	StopReason     string                `json:"stop_reason"`
	TerminalReason string                `json:"terminal_reason"`
	NumTurns       int                   `json:"num_turns"`
	SessionID      string                `json:"session_id"`
	UserMessage    string                `json:"user_message_uuid"`
	Origin         json.RawMessage       `json:"origin"`
	CostUSD        float64               `json:"total_cost_usd"`
	ModelUsage     map[string]modelUsage `json:"modelUsage"`
}

// reply is the answer to a request of ours.
type reply struct {
	Subtype   string          `json:"subtype"`
	RequestID string          `json:"request_id"`
	Response  json.RawMessage `json:"response"`
	Error     string          `json:"error"`
}

// request is what the process asks of us.
type request struct {
	act int // the one in which it was read; 0: none was open

	Subtype    string          `json:"subtype"`
	CallbackID string          `json:"callback_id"`
	ToolUseID  string          `json:"tool_use_id"`
	Input      json.RawMessage `json:"input"`
	ToolName   string          `json:"tool_name"`
	AgentID    string          `json:"agent_id"`
	ServerName string          `json:"server_name"`
	Message    json.RawMessage `json:"message"`
}

// hookInput is the input of a hook's request.
type hookInput struct {
	ToolName   string          `json:"tool_name"`
	ToolInput  json.RawMessage `json:"tool_input"`
	ToolUseID  string          `json:"tool_use_id"`
	AgentID    string          `json:"agent_id"`
	DurationMS int64           `json:"duration_ms"`
}

// message is a model's message as an assistant frame shows it: one block at a time.
type message struct {
	ID      string `json:"id"`
	Model   string `json:"model"`
	Content []struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"content"`
}

// lines reads lines of at most a length, however long they get.
type lines struct {
	r   *bufio.Reader
	max int
	buf []byte
}

func newLines(r io.Reader, max int) *lines {
	return &lines{r: bufio.NewReaderSize(r, 64<<10), max: max}
}

// next returns the next line without its end, valid until the next call. The last line
// needs no end. A line that is too long is errLine; what follows is then undefined.
func (l *lines) next() ([]byte, error) {
	if cap(l.buf) > 1<<20 {
		l.buf = nil // one long line must not keep its memory for the whole run
	}
	l.buf = l.buf[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.buf)+len(part) > l.max {
			return nil, errLine
		}
		l.buf = append(l.buf, part...)
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == nil:
			return l.buf[:len(l.buf)-1], nil
		case len(l.buf) > 0 && err == io.EOF:
			return l.buf, nil
		}
		return nil, err
	}
}

// parse reads a line as a frame; ok is false for what is no JSON object. A blank line
// is a frame of no type.
func parse(line []byte) (f frame, ok bool) {
	if len(bytes.TrimSpace(line)) == 0 {
		return frame{}, true
	}
	ok = json.Unmarshal(line, &f) == nil
	return f, ok
}
