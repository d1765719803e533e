package scenarios

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
)

// Bounds on a plan.
const (
	maxCells     = 10_000
	maxRuns      = 1_000_000
	maxPlanSeats = 1_000_000
)

// Expand lists the cells and runs. The error is an *[Errors].
func (s *Scenario) Expand(opts ExpandOptions) (*Plan, error) {
	if len(opts.Sets) > 0 {
		again, err := Load(s.Path, LoadOptions{Sets: append(append([]Set{}, s.sets...), opts.Sets...)})
		if err != nil {
			return nil, err
		}
		opts.Sets = nil
		return again.Expand(opts)
	}
	var c collector
	p := &Plan{Scenario: s, Replicates: s.Replicates}
	if opts.Replicates != nil {
		p.Replicates = *opts.Replicates
	}
	if p.Replicates < 1 {
		c.add(Pos{File: s.Path}, "replicates: want 1 at least, got %d", p.Replicates)
		return nil, c.err(s.Path)
	}
	p.seed(opts.Seed)
	p.cells(&c)
	if n := len(p.Cells) * p.Replicates; n > maxRuns {
		c.add(Pos{File: s.Path}, "%d cells of %d replicates; the most is %d runs", len(p.Cells), p.Replicates, maxRuns)
	}
	if err := c.err(s.Path); err != nil {
		return nil, err
	}
	p.runs()
	return p, nil
}

// seed takes the option's, the file's, or draws one. Drawn seeds stay below 2^53, so
// that no reader of JSON rounds them.
func (p *Plan) seed(option *uint64) {
	switch {
	case option != nil:
		p.Seed = *option
	case p.Scenario.Seed != nil:
		p.Seed = *p.Scenario.Seed
	default:
		var b [8]byte
		rand.Read(b[:]) // never fails: crypto/rand ends the program instead
		p.Seed, p.SeedDrawn = binary.BigEndian.Uint64(b[:])>>11, true
	}
}

func (p *Plan) runs() {
	width := max(3, len(fmt.Sprint(p.Replicates)))
	for _, cell := range p.Cells {
		for k := 1; k <= p.Replicates; k++ {
			id := fmt.Sprintf("r%0*d", width, k)
			p.Runs = append(p.Runs, &Run{ID: id, Plan: p, Cell: cell, Replicate: k, Seed: p.Seed})
		}
	}
}

// cells multiplies the matrix.
func (p *Plan) cells(c *collector) {
	s := p.Scenario
	base := map[string]any{}
	for _, param := range s.Params {
		base[param.Name] = param.Default
	}
	axes, ok := s.axes(base, c)
	if !ok {
		return
	}
	total := 1
	for _, axis := range axes {
		if total *= len(axis.Value); total > maxCells {
			c.add(axis.Pos, "the matrix has more than %d cells", maxCells)
			return
		}
	}
	width, seats := max(2, len(fmt.Sprint(total))), 0
	for i := range total {
		cell := &Cell{ID: fmt.Sprintf("c%0*d", width, i+1), Params: pick(base, axes, i)}
		for _, axis := range axes {
			cell.Axes = append(cell.Axes, axis.Name)
		}
		cell.expand(s, c)
		p.Cells = append(p.Cells, cell)
		if seats += len(cell.Seats); seats > maxPlanSeats {
			c.add(s.keys["agents"], "more than %d agents in all cells together", maxPlanSeats)
			return
		}
		if len(c.list) > 100 {
			return // the same fault in every cell
		}
	}
}

// pick sets the axes' parameters for cell i, counting with the last axis fastest.
func pick(base map[string]any, axes []Named[[]any], i int) map[string]any {
	out := make(map[string]any, len(base)+len(axes))
	for k, v := range base {
		out[k] = v
	}
	for k := len(axes) - 1; k >= 0; k-- {
		n := len(axes[k].Value)
		out[axes[k].Name] = axes[k].Value[i%n]
		i /= n
	}
	return out
}

// axes evaluates the matrix and checks its values against the parameters.
func (s *Scenario) axes(base map[string]any, c *collector) ([]Named[[]any], bool) {
	lookup := s.Lookup(base)
	var out []Named[[]any]
	good := true
	for _, axis := range s.Matrix {
		values, err := axis.Value.Eval(lookup)
		if err != nil {
			c.addErr(axis.Pos, err)
			good = false
			continue
		}
		for i := range values {
			if values[i], err = s.checkParam(axis.Name, values[i]); err != nil {
				c.add(axis.Value.itemPos(i), "%v", err)
				good = false
			}
		}
		out = append(out, Named[[]any]{axis.Name, axis.Pos, values})
	}
	return out, good
}

func (d Dyn[T]) itemPos(i int) Pos {
	if i < len(d.Value.list) {
		return d.Value.list[i].pos
	}
	return d.Value.pos
}

func (s *Scenario) checkParam(name string, v any) (any, error) {
	for i := range s.Params {
		if s.Params[i].Name == name {
			return s.Params[i].Check(v)
		}
	}
	return v, nil
}
