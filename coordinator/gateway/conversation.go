package gateway

import (
	"crypto/sha256"
	"encoding/json"
	"regexp"
	"strings"
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
	messages []*saying
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

// stable reads the conversation out of a request. It leaves with each piece what it has
// made of it.
func stable(r *Request, n *neutral) *conversation {
	c := &conversation{messages: make([]*saying, 0, len(r.pieces))}
	tools := map[string]string{} // tool_use id to name
	role := ""                   // of the message before, other roles than the two left out
	for i, p := range r.pieces {
		if p.said == nil || !p.said.fits(tools) {
			p = &piece{raw: p.raw, message: p.message, said: newSaying(p.message, n, tools)}
			r.pieces[i] = p
		}
		if s := p.said; s.role != "" {
			c.take(s, role == "assistant" && s.role == "assistant")
			role = s.role
			s.name(tools)
		}
	}
	return c
}

// take goes on with a message. One of the assistant's directly after another is part of
// the same answer.
func (c *conversation) take(s *saying, continued bool) {
	if s.opens {
		c.call, c.last, c.results = 0, s.last, nil
	}
	if s.role == "assistant" && !continued {
		c.call++
	}
	c.results = append(c.results, s.results...)
	if len(s.blocks) > 0 {
		c.messages = append(c.messages, s)
	}
}

// withoutReminders takes the client's reminders out of a text; clients append them to the
// texts of tools as well.
func withoutReminders(s string) string {
	if !strings.Contains(s, "<system-reminder>") {
		return s
	}
	return strings.TrimSpace(reminder.ReplaceAllString(s, ""))
}

// fingerprint tells conversations apart: equal ones are the same request, sent again.
func (c *conversation) fingerprint(extra ...string) [32]byte {
	h := sha256.New()
	// It cannot fail: strings only, and a hash takes everything.
	_ = json.NewEncoder(h).Encode(extra)
	for _, s := range c.messages {
		h.Write(s.print[:])
	}
	return [32]byte(h.Sum(nil))
}

// size is the number of characters of the conversation that the rule of usage counts.
func (c *conversation) size() int {
	n := 0
	for _, s := range c.messages {
		n += s.size
	}
	return n
}
