package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// agentMain plays a seat over JSON Lines: the cheapest program there can be, so that what
// is measured is the harness. It says on stderr how long each turn took by its own clock.
func agentMain(args []string, in io.Reader, out, stderr io.Writer) int {
	fs := flag.NewFlagSet("agent", flag.ContinueOnError)
	fs.SetOutput(stderr)
	sleep := fs.Duration("sleep", 0, "think this long about each turn")
	write := fs.Bool("write", false, "change one file of its own each turn")
	if fs.Parse(args) != nil {
		return 2
	}
	a := &seat{out: out, stderr: stderr, sleep: *sleep, write: *write}
	for lines := bufio.NewReaderSize(in, 1<<16); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return 0
		}
		if err := a.line(line); err != nil {
			return 0 // told to end, or nobody listens
		}
	}
}

// seat is one agent's side of the protocol.
type seat struct {
	out, stderr io.Writer
	sleep       time.Duration
	write       bool
	name        string
}

// message is what an agent has to understand.
type message struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	Turn  int    `json:"turn"`
	Agent struct {
		Name string `json:"name"`
	} `json:"agent"`
}

func (a *seat) line(line []byte) error {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return err
	}
	switch m.Type {
	case "hello":
		a.name = m.Agent.Name
		return a.say(`{"type":"ready"}`)
	case "turn":
		return a.turn(&m)
	case "end":
		return io.EOF
	}
	return nil
}

func (a *seat) turn(m *message) error {
	start := time.Now()
	if a.write {
		if err := os.WriteFile(a.name+".txt", fmt.Appendf(nil, "turn %d\n", m.Turn), 0o644); err != nil {
			return err
		}
	}
	if a.sleep > 0 {
		time.Sleep(a.sleep)
		fmt.Fprintln(a.stderr, time.Since(start).Nanoseconds())
	}
	return a.say(`{"type":"move","id":"` + m.ID + `","action":{"move":"C"}}`)
}

func (a *seat) say(line string) error {
	_, err := io.WriteString(a.out, line+"\n")
	return err
}
