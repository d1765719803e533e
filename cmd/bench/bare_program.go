package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// pipe is one agent program at the other end of two pipes.
type pipe struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err strings.Builder // what it says of its own turns
}

// openPipes starts n programs in folders of their own and says hello to them.
func (b *bench) openPipes(n int, args []string) (pipes []*pipe, err error) {
	defer func() {
		if err != nil {
			closePipes(pipes)
		}
	}()
	for i := range n {
		dir, err := b.folder()
		if err != nil {
			return pipes, err
		}
		p := &pipe{cmd: exec.CommandContext(b.ctx, b.exe, append([]string{"agent"}, args...)...)}
		p.cmd.Dir, p.cmd.Stderr = dir, &p.err
		var out io.Reader
		if p.in, err = p.cmd.StdinPipe(); err != nil {
			return pipes, err
		}
		if out, err = p.cmd.StdoutPipe(); err != nil {
			return pipes, err
		}
		p.out = bufio.NewReader(out)
		if err := p.cmd.Start(); err != nil {
			return pipes, err
		}
		pipes = append(pipes, p)
		fmt.Fprintf(p.in, `{"type":"hello","protocol":1,"agent":{"name":"a-%d"},"view":%q}`+"\n", i+1, filepath.Clean(dir))
	}
	for _, p := range pipes {
		if _, err := p.read(); err != nil {
			return pipes, err
		}
	}
	return pipes, nil
}

func (p *pipe) read() (map[string]any, error) {
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var m map[string]any
	return m, json.Unmarshal(line, &m)
}

// turn asks everybody, then listens to everybody: the simplest loop there is.
func turn(pipes []*pipe, t int) error {
	line, err := json.Marshal(map[string]any{
		"type": "turn", "id": fmt.Sprintf("%d.1.1", t), "turn": t, "phase": "p", "lap": 1, "stage": 1, "attempt": 1,
		"prompt": fmt.Sprintf("Turn %d p\n", t), "observation": map[string]any{}, "inbox": []any{}, "notices": []any{},
		"schema": map[string]any{"properties": map[string]any{"move": map[string]any{"enum": []any{"C", "D"}}}},
	})
	if err != nil {
		return err
	}
	line = append(line, '\n')
	for _, p := range pipes {
		if _, err := p.in.Write(line); err != nil {
			return err
		}
	}
	for _, p := range pipes {
		m, err := p.read()
		if err != nil {
			return err
		}
		if m["type"] != "move" {
			return fmt.Errorf("an agent answered %v", m)
		}
	}
	return nil
}

// share copies the file of each into the folders of all others, in place: what it costs at
// least that everybody sees everybody's file.
func share(pipes []*pipe) error {
	for i, from := range pipes {
		name := fmt.Sprintf("a-%d.txt", i+1)
		data, err := os.ReadFile(filepath.Join(from.cmd.Dir, name))
		if err != nil {
			return err
		}
		for _, to := range pipes {
			if to == from {
				continue
			}
			if err := os.WriteFile(filepath.Join(to.cmd.Dir, name), data, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// closePipes ends the programs, which end with their input.
func closePipes(pipes []*pipe) error {
	var errs []error
	for _, p := range pipes {
		p.in.Close()
	}
	for _, p := range pipes {
		errs = append(errs, p.cmd.Wait())
	}
	return errors.Join(errs...)
}

// bareProgram plays the turns without any harness.
func (b *bench) bareProgram(n, turns, warm int, cost *turnCost, args ...string) error {
	pipes, err := b.openPipes(n, args)
	if err != nil {
		return err
	}
	var walls sample
	var before time.Duration
	for t := 1; t < turns; t++ {
		if t == warm {
			before, walls = ownCPU(), nil
		}
		start := time.Now()
		err := turn(pipes, t)
		if err == nil && slices.Contains(args, "-write") {
			err = share(pipes)
		}
		if err != nil {
			return errors.Join(err, closePipes(pipes))
		}
		walls = append(walls, time.Since(start).Seconds())
	}
	cost.add(cpuTime{own: ownCPU() - before}, slices.Clone(walls), n, turns-warm)
	return closePipes(pipes)
}
