package report

import (
	"fmt"
	"io"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// column is one column of a grid.
type column struct {
	name    string
	number  bool // flush right
	spare   bool // left out where every row has nothing in it
	elastic bool // cut where the table would be too wide
}

// grid is a table before it is laid out.
type grid struct {
	title   string
	columns []column
	rows    [][]string
	notes   []string // below the table, numbered from 1
}

func (g *grid) add(row ...string) { g.rows = append(g.rows, row) }

// note adds a footnote, or finds the same one, and returns its mark.
func (g *grid) note(s string) string {
	i := slices.Index(g.notes, s)
	if i < 0 {
		g.notes = append(g.notes, s)
		i = len(g.notes) - 1
	}
	return fmt.Sprintf("[%d]", i+1)
}

// write lays the grid out in at most width columns. A grid without rows writes
// nothing.
func (g *grid) write(w io.Writer, width int) error {
	if len(g.rows) == 0 {
		return nil
	}
	g.drop()
	g.squeeze(width)
	t := table.NewWriter()
	t.SetStyle(style(width))
	t.SuppressTrailingSpaces()
	header := make(table.Row, len(g.columns))
	configs := make([]table.ColumnConfig, len(g.columns))
	for i, c := range g.columns {
		header[i], configs[i] = c.name, table.ColumnConfig{Number: i + 1}
		if c.number {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(configs)
	for _, r := range g.rows {
		row := make(table.Row, len(r))
		for i, s := range r {
			row[i] = s
		}
		t.AppendRow(row)
	}
	out := g.title + "\n" + t.Render() + "\n"
	for i, n := range g.notes {
		out += fmt.Sprintf(" [%d] %s\n", i+1, Clean(n))
	}
	_, err := io.WriteString(w, out+"\n")
	return err
}

func style(width int) table.Style {
	s := table.StyleLight
	s.Options = table.OptionsNoBordersAndSeparators
	s.Options.SeparateHeader = true
	s.Format.Header = text.FormatDefault
	s.Size.WidthMax = width
	s.Box.UnfinishedRow = "…"
	return s
}

// drop leaves out spare columns that say nothing.
func (g *grid) drop() {
	for i := len(g.columns) - 1; i >= 0; i-- {
		if !g.columns[i].spare || slices.ContainsFunc(g.rows, func(r []string) bool { return says(r[i]) }) {
			continue
		}
		g.columns = slices.Delete(g.columns, i, i+1)
		for j := range g.rows {
			g.rows[j] = slices.Delete(g.rows[j], i, i+1)
		}
	}
}

func says(cell string) bool { return cell != "" && cell != "0" && cell != "-" && cell != USD(0) }

// squeeze cleans every cell, and cuts the elastic ones to share what the others leave.
func (g *grid) squeeze(width int) {
	const gap = 2
	room, elastic := width, 0
	for i, c := range g.columns {
		room -= gap
		if c.elastic {
			elastic++
		} else {
			room -= g.width(i)
		}
	}
	for i, c := range g.columns {
		columns := widest // a column that is not elastic holds numbers, or names
		if c.elastic {
			columns = max(narrowest, min(g.width(i), room/elastic))
			room, elastic = room-columns, elastic-1
		}
		for j := range g.rows {
			g.rows[j][i] = clip(g.rows[j][i], columns)
		}
	}
}

func (g *grid) width(i int) int {
	w := text.StringWidthWithoutEscSequences(g.columns[i].name)
	for _, r := range g.rows {
		w = max(w, text.StringWidthWithoutEscSequences(clip(r[i], limit(g.columns[i]))))
	}
	return w
}

// limit bounds one cell: names and texts are chosen by others.
func limit(c column) int {
	if c.elastic {
		return 200
	}
	return widest
}

// An elastic column is never narrower, any other never wider.
const narrowest, widest = 10, 40
