package main

import (
	"context"
	"encoding/json"
	"fmt"
)

// ask sends a request of ours and answers the CLI's until the reply is there.
func (a *bareAgent) ask(ctx context.Context, request map[string]any) (json.RawMessage, error) {
	if err := a.send(map[string]any{"type": "control_request", "request_id": "bare", "request": request}); err != nil {
		return nil, err
	}
	f, err := a.until(ctx, "control_response")
	if err != nil {
		return nil, err
	}
	if f.Response.Subtype != "success" {
		return nil, fmt.Errorf("%v: %s", request["subtype"], f.Response.Error)
	}
	return f.Response.Response, nil
}

// turn is one message to the agent, up to its result.
func (a *bareAgent) turn(ctx context.Context, t int) error {
	err := a.send(map[string]any{
		"type": "user", "uuid": uuid(), "session_id": "", "parent_tool_use_id": nil,
		"message": map[string]any{"role": "user", "content": fmt.Sprintf(barePrompt, t)},
	})
	if err != nil {
		return err
	}
	f, err := a.until(ctx, "result")
	if err == nil && f.IsError {
		err = fmt.Errorf("turn %d ended with an error: %s", t, f.Result)
	}
	return err
}

// wireFrame is what of a frame matters here.
type wireFrame struct {
	Type      string `json:"type"`
	RequestID string `json:"request_id"`
	IsError   bool   `json:"is_error"`
	Result    string `json:"result"`
	Request   struct {
		Subtype string          `json:"subtype"`
		Input   json.RawMessage `json:"input"`
		Message json.RawMessage `json:"message"`
	} `json:"request"`
	Response struct {
		Subtype, Error string
		Response       json.RawMessage
	} `json:"response"`
}

func (a *bareAgent) until(ctx context.Context, kind string) (*wireFrame, error) {
	for {
		line, err := a.out.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		f := &wireFrame{}
		if err := json.Unmarshal(line, f); err != nil {
			return nil, err
		}
		switch f.Type {
		case kind:
			return f, nil
		case "control_request":
			if err := a.answer(ctx, f); err != nil {
				return nil, err
			}
		}
	}
}

// answer allows everything.
func (a *bareAgent) answer(ctx context.Context, f *wireFrame) error {
	var v any = map[string]any{}
	switch f.Request.Subtype {
	case "can_use_tool":
		v = map[string]any{"behavior": "allow", "updatedInput": f.Request.Input}
	case "mcp_message":
		out, err := a.bridge.Handle(ctx, f.Request.Message)
		if err != nil {
			return err
		}
		v = map[string]json.RawMessage{"mcp_response": out}
	}
	return a.send(map[string]any{"type": "control_response", "response": map[string]any{"subtype": "success", "request_id": f.RequestID, "response": v}})
}

func (a *bareAgent) send(v any) error {
	data, err := json.Marshal(v)
	if err == nil {
		_, err = a.in.Write(append(data, '\n'))
	}
	return err
}
