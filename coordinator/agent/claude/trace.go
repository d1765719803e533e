package claude

// What [Options.Trace] is told, by kind. A kind's data is always of its type.

// Started is "claude.start": a process has been started and is connected.
type Started struct {
	PID     int    `json:"pid"`
	Session string `json:"session"`
	Resumed bool   `json:"resumed"`
}

// Ended is "claude.exit": a process has ended.
type Ended struct {
	Exit string `json:"exit"`
}

// Tool is "claude.tool": a tool call at the gate, and "claude.done": after it ran.
type Tool struct {
	Tool       string `json:"tool"`
	Call       string `json:"call"`
	Agent      string `json:"agent,omitempty"` // a sub-agent
	Input      string `json:"input"`           // SHA-256 of the canonical input
	Deny       string `json:"deny,omitempty"`
	DurationMS int64  `json:"duration_ms,omitempty"`
}

// Permission is "claude.permission": the client asked because its rules wanted it.
type Permission struct {
	Tool string `json:"tool"`
	Call string `json:"call"`
	Deny string `json:"deny,omitempty"`
}

// Result is "claude.result": the end of a turn.
type Result struct {
	Ask      string `json:"ask"`
	Terminal string `json:"terminal,omitempty"`
	Status   int    `json:"status,omitempty"` // of the API's answer that ended it
	Turns    int    `json:"turns"`
	Usage    Usage  `json:"usage"`
}

// Stale is "claude.stale": a result that belongs to no open act.
type Stale struct {
	Message string `json:"message,omitempty"`
	Subtype string `json:"subtype,omitempty"`
}

// Garbage is "claude.garbage": the beginning of a line that is not JSON.
type Garbage struct {
	Text string `json:"text"`
}

// Lost is "claude.lost": the session could not be resumed and a new one was begun.
type Lost struct {
	Session string `json:"session"`
	Reason  string `json:"reason"`
}
