package gateway

import (
	"crypto/sha256"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// conversation is what of a request is the same in every run with the same moves: what
// the agent was asked, what the model answered and what its tools returned, with the
// machine's paths taken out. It leaves out what clients put in between and what depends
// on machine, version, day or chance:
//
//   - the system prompt and the tools' descriptions, messages of other roles than user
//     and assistant (environment, file notes, token counters);
//   - texts inside <system-reminder>, the older form of the same;
//   - the client's own sentences in the user's name ([inserted]);
//   - ids, thinking, cache marks.
type conversation struct {
	messages []Message
	// call is the number of answers since the turn's user message: the same for a
	// request that is sent again.
	call    int
	last    string // the text of the turn's user message
	results []toolResult
}

type toolResult struct {
	tool, text string
	isError    bool
}

var reminder = regexp.MustCompile(`(?s)<system-reminder>.*?</system-reminder>`)

// inserted are the beginnings of texts that the Claude Code CLI, 2.1.197 to 2.1.330, puts
// into user messages by itself: after an interrupt, an output limit, a cut stream, a
// resume. They continue a turn and do not open one.
var inserted = [...]string{
	"[Request interrupted",
	"[Tool call did not complete",
	"[This turn ended before it finished",
	"[Your previous response",
	"Output token limit hit.",
	"Your response was cut off",
	"Your response above was cut off",
	"Your tool call was malformed",
	"Continue from where you left off.",
}

// ownText returns what is left of a user's text without the client's insertions.
func ownText(s string) string {
	s = withoutReminders(s)
	if strings.TrimSpace(s) == "" {
		return ""
	}
	for _, prefix := range inserted {
		if strings.HasPrefix(s, prefix) {
			return ""
		}
	}
	return s
}

// stable reads the conversation out of a request.
func stable(r *Request, n *neutral) *conversation {
	c := &conversation{}
	tools := map[string]string{} // tool_use id to name
	role := ""                   // of the message before, other roles than the two left out
	for _, m := range r.Messages {
		out := Message{Role: m.Role}
		switch m.Role {
		case "user":
			fresh := true // the next text opens a turn; else it is part of the same prompt
			for _, b := range m.Blocks {
				fresh = c.user(&out, b, n, tools, fresh)
			}
		case "assistant":
			for _, b := range m.Blocks {
				said(&out, b, n, tools)
			}
			if role != "assistant" { // one directly after another is part of the same answer
				c.call++
			}
		default:
			continue
		}
		role = m.Role
		if len(out.Blocks) > 0 {
			c.messages = append(c.messages, out)
		}
	}
	return c
}

// user takes in a block of a user message. It returns whether a text after it would open
// a turn: texts side by side are one prompt.
func (c *conversation) user(out *Message, b Block, n *neutral, tools map[string]string, fresh bool) bool {
	switch b.Type {
	case "text":
		text := n.clean(ownText(b.Text))
		if text == "" {
			return fresh || !reminder.MatchString(b.Text)
		}
		c.prompt(text, fresh)
		out.Blocks = append(out.Blocks, Block{Type: "text", Text: text})
		return false
	case "tool_result":
		res := toolResult{tools[b.ID], n.clean(withoutReminders(b.Text)), b.IsError}
		c.results = append(c.results, res)
		out.Blocks = append(out.Blocks, Block{Type: b.Type, Name: res.tool, Text: res.text, IsError: b.IsError})
	default:
		out.Blocks = append(out.Blocks, Block{Type: b.Type})
	}
	return true
}

func (c *conversation) prompt(text string, fresh bool) {
	if !fresh {
		c.last += "\n" + text
		return
	}
	c.call, c.last, c.results = 0, text, nil
}

// withoutReminders takes the client's reminders out of a text; clients append them to the
// texts of tools as well.
func withoutReminders(s string) string {
	if !strings.Contains(s, "<system-reminder>") {
		return s
	}
	return strings.TrimSpace(reminder.ReplaceAllString(s, ""))
}

func said(out *Message, b Block, n *neutral, tools map[string]string) {
	switch b.Type {
	case "text":
		out.Blocks = append(out.Blocks, Block{Type: "text", Text: n.clean(b.Text)})
	case "tool_use":
		tools[b.ID] = b.Name
		out.Blocks = append(out.Blocks, Block{Type: b.Type, Name: b.Name, Input: n.cleanValue(b.Input)})
	}
}

// fingerprint tells conversations apart: equal ones are the same request, sent again.
func (c *conversation) fingerprint(extra ...string) [32]byte {
	h := sha256.New()
	enc := json.NewEncoder(h)
	// Neither can fail: strings and JSON values only, and a hash takes everything.
	_ = enc.Encode(extra)
	_ = enc.Encode(c.messages)
	return [32]byte(h.Sum(nil))
}

// size is the number of characters of the conversation that the rule of usage counts.
func (c *conversation) size() int {
	n := 0
	for _, m := range c.messages {
		for _, b := range m.Blocks {
			n += blockSize(b)
		}
	}
	return n
}

func blockSize(b Block) int {
	n := len([]rune(b.Text))
	if b.Type != "tool_use" {
		return n
	}
	input, err := expr.Canonical(b.Input)
	if err != nil {
		input = nil // cannot be: it was decoded from JSON
	}
	return n + len([]rune(b.Name)) + len([]rune(string(input)))
}
