package mcp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"unicode/utf8"

	"github.com/sandtable/sandtable/sim"
)

const (
	noArguments = `{"type":"object","properties":{},"additionalProperties":false}`
	actSchema   = `{"type":"object","required":["action"],"additionalProperties":false,"properties":{` +
		`"action":{"type":"object","description":"Your action, as the turn's message asks for it."},` +
		`"say":{"type":"string","description":"What you say with it, for those who hear you."}}}`
	sendSchema = `{"type":"object","required":["to","text"],"additionalProperties":false,"properties":{` +
		`"to":{"description":"One name, or a list of names.","anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]},` +
		`"text":{"type":"string"}}}`
	readSchema = `{"type":"object","required":["path"],"additionalProperties":false,"properties":{` +
		`"path":{"type":"string","description":"A path relative to your working directory."}}}`
)

func deskTools(desk Desk) []tool {
	return []tool{
		{name: "act", schema: actSchema, about: "Submit your action for this turn. The last one that is accepted counts.",
			run: func(call string, args map[string]any) (any, error) { return runAct(desk, call, args) }},
		{name: "pass", schema: noArguments, about: "Do nothing this turn.",
			run: func(call string, _ map[string]any) (any, error) {
				return "You pass, unless you act after this.", desk.Pass(call)
			}},
		{name: "send", schema: sendSchema, about: "Send a message. It arrives when this turn's stage is over.",
			run: func(call string, args map[string]any) (any, error) { return runSend(desk, call, args) }},
		{name: "inbox", schema: noArguments, readOnly: true, about: "Read the messages that reached you since your last turn.",
			run: func(string, map[string]any) (any, error) { return runInbox(desk) }},
	}
}

func runAct(desk Desk, call string, args map[string]any) (any, error) {
	say, err := text(args, "act", "say", true)
	if err != nil {
		return nil, err
	}
	action, ok := args["action"]
	if !ok {
		return nil, missing(args, "act", "action")
	}
	return "Accepted. It counts unless you act again.", desk.Act(call, action, say)
}

func runSend(desk Desk, call string, args map[string]any) (any, error) {
	body, err := text(args, "send", "text", false)
	if err != nil {
		return nil, err
	}
	to, ok := args["to"]
	if !ok {
		return nil, missing(args, "send", "to")
	}
	return "Sent. It arrives when this stage is over.", desk.Send(call, to, body)
}

func runInbox(desk Desk) (any, error) {
	in, err := desk.Inbox()
	if in == nil {
		in = []sim.Message{}
	}
	return map[string]any{"messages": in}, err
}

func readTool(files Files) tool {
	return tool{name: "workspace_read", schema: readSchema, readOnly: true,
		about: "Read a file of your working directory, with the hash of what you read.",
		run: func(_ string, args map[string]any) (any, error) {
			path, err := text(args, "workspace_read", "path", false)
			if err != nil {
				return nil, err
			}
			data, err := files.Read(path)
			if err != nil {
				return nil, err
			}
			return content(path, data), nil
		}}
}

// content shows a file: base is the SHA-256 of the bytes that were read, by which a
// later change can say what it is a change of.
func content(path string, data []byte) map[string]any {
	sum := sha256.Sum256(data)
	out := map[string]any{"path": path, "base": hex.EncodeToString(sum[:]), "bytes": len(data)}
	if utf8.Valid(data) {
		out["text"] = string(data)
	} else {
		out["base64"] = base64.StdEncoding.EncodeToString(data)
	}
	return out
}

func statusTool(ws Workspace) tool {
	return tool{name: "workspace_status", schema: noArguments, readOnly: true,
		about: "List the files you have changed since your turn opened, and your conflicts and notices.",
		run: func(string, map[string]any) (any, error) {
			s, err := ws.Status()
			for _, list := range []*[]string{&s.Changed, &s.Conflicts, &s.Notices} {
				if *list == nil {
					*list = []string{}
				}
			}
			return s, err
		}}
}
