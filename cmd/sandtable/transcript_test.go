package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A transcript is what a page shows of a terminal: commands behind "$ ", and what they
// print. Parts left out are marked by lines that are "…"; everything else must be what
// the program really says, line by line. Only a run's directory and its wall time are
// its own each time.
type transcript struct {
	command  string // without the comment behind it
	line     int    // of the page, from 0
	segments []segment
	begins   bool // nothing is left out at the beginning
	ends     bool // nor at the end
}

// segment is a part of the output without gaps; line is where it stands on the page.
type segment struct {
	line  int
	lines []string
}

const leftOut = "…"

// transcripts finds the commands and outputs in the fenced blocks of a page.
func transcripts(page []string) (found []*transcript) {
	fenced := false
	var t *transcript
	for i, line := range page {
		switch command, is := strings.CutPrefix(line, "$ "); {
		case strings.HasPrefix(line, "```"):
			fenced, t = !fenced, nil
		case fenced && is:
			command, _, _ = strings.Cut(command, "  ")
			t = &transcript{command: command, line: i, begins: true, ends: true}
			found = append(found, t)
		case t != nil:
			t.add(i, line)
		}
	}
	return found
}

func (t *transcript) add(i int, line string) {
	last := len(t.segments) - 1
	switch {
	case line == leftOut:
		t.begins = t.begins && last >= 0
		t.ends = false
		return
	case !t.ends || last < 0:
		t.segments = append(t.segments, segment{line: i})
		last++
	}
	t.ends = true
	t.segments[last].lines = append(t.segments[last].lines, line)
}

// disagreement says where a page and the program first differ; "" if they agree.
func (t *transcript) disagreement(real []string) string {
	at := 0
	for i, s := range t.segments {
		free := i > 0 || !t.begins // something is left out before it
		n, most := place(s.lines, real[at:], free)
		if n < 0 {
			return fmt.Sprintf("line %d of the page is\n%s\nand the program does not say so there", s.line+most+1, s.lines[most])
		}
		at += n + len(s.lines)
	}
	if t.ends && at < len(real) {
		return fmt.Sprintf("after the output of %q on the page the program goes on with\n%s\nand no %s marks it", t.command, real[at], leftOut)
	}
	return ""
}

// place finds lines in the output, at its beginning unless they are free to be anywhere.
// Without success n is -1, and most is the first line that fits nowhere.
func place(lines, real []string, free bool) (n, most int) {
	for n := range len(real) {
		fit := 0
		for fit < len(lines) && n+fit < len(real) && same(lines[fit]) == same(real[n+fit]) {
			fit++
		}
		if fit == len(lines) {
			return n, 0
		}
		most = max(most, fit)
		if !free {
			break
		}
	}
	return -1, most
}

// same takes out of a line what is another in each run: the directory and the wall time,
// and with it the width of its column.
func same(line string) string {
	line = regexp.MustCompile(batchName).ReplaceAllString(line, "BATCH")
	line = regexp.MustCompile(` +[0-9][0-9hm.]*m?s$`).ReplaceAllString(line, " WALL")
	line = regexp.MustCompile(` +wall$`).ReplaceAllString(line, " wall")
	return regexp.MustCompile(`─+`).ReplaceAllString(line, "─")
}

const batchName = `[0-9]{8}T[0-9]{6}Z-shared-notes(-[0-9]+)?`

// renewed writes what the program says in the place of what the page shows, part by part:
// a part begins and ends where the lines are, numbers apart, what they were.
func (t *transcript) renewed(real []string) (parts [][]string, err error) {
	at := 0
	for i, s := range t.segments {
		n := 0
		if i > 0 || !t.begins {
			n = slices.IndexFunc(real[at:], alike(s.lines[0]))
		}
		end := -1
		if n >= 0 && at+n < len(real) {
			end = slices.IndexFunc(real[at+n:], alike(s.lines[len(s.lines)-1]))
		}
		if end < 0 {
			return nil, fmt.Errorf("line %d of the page: the program says nothing like it: mend the page by hand", s.line+1)
		}
		if t.ends && i == len(t.segments)-1 {
			end = len(real) - at - n - 1
		}
		parts = append(parts, real[at+n:at+n+end+1])
		at += n + end + 1
	}
	return parts, nil
}

// alike compares lines without their numbers.
func alike(line string) func(string) bool {
	numbers := regexp.MustCompile(`[0-9][0-9,.]*`)
	shape := func(s string) string {
		return strings.Join(strings.Fields(numbers.ReplaceAllString(same(s), "0")), " ")
	}
	return func(other string) bool { return shape(other) == shape(line) }
}

const page = "```\n$ make run\nRuns\n cell  runs  wall\n──────────\n c01      1  5.1s\n…\ntier: T0\n…\nx: passed\n\nruns/20260101T000000Z-shared-notes\n```"

// TestTranscriptCanFail is the negative control: what is invented, changed, left out
// without a mark or out of order is found.
func TestTranscriptCanFail(t *testing.T) {
	real := strings.Split("Runs\n cell  runs     wall\n─────────────\n c01      1  12m5.12s\nAgents\n ada 5\ntier: T0\nmore\nx: passed\n\nruns/20271231T235959Z-shared-notes-2", "\n")
	for name, c := range map[string]struct {
		old, with string // on the page
		line      string // of the page, that the message names
	}{
		"as it is":    {"", "", ""},
		"a number":    {" c01      1", " c01      2", "line 6 "},
		"invented":    {"tier: T0\n", " ben 5\ntier: T0\n", "line 8 "},
		"unmarked":    {"tier: T0\n…\n", "tier: T0\n", "line 9 "},
		"beginning":   {"Runs\n", "", "line 3 "},
		"end":         {"\n\nruns/20260101T000000Z-shared-notes", "", "goes on"},
		"order":       {"…\ntier: T0\n…\nx: passed\n", "…\nx: passed\n…\ntier: T0\n", "line 10 "},
		"another run": {"-shared-notes", "-other-notes", "line 12 "},
	} {
		got := transcripts(strings.Split(strings.Replace(page, c.old, c.with, 1), "\n"))
		if len(got) != 1 || got[0].command != "make run" {
			t.Fatalf("%s: %+v", name, got)
		}
		if d := got[0].disagreement(real); (d == "") != (c.line == "") || !strings.Contains(d, c.line) {
			t.Errorf("%s: want %q, got %s", name, c.line, d)
		}
	}
}

// TestTranscriptIsRenewed: -update puts what the program says where the page had it.
func TestTranscriptIsRenewed(t *testing.T) {
	real := strings.Split("Runs\n cell  runs   wall\n───────────\n c01     12  60.1s\nAgents\ntier: T0\nmore\nx: passed\n\nruns/20270101T000000Z-shared-notes", "\n")
	got := transcripts(strings.Split(page, "\n"))[0]
	parts, err := got.renewed(real)
	if err != nil || len(parts) != 3 || !slices.Equal(parts[0], real[:4]) || !slices.Equal(parts[1], real[5:6]) || !slices.Equal(parts[2], real[7:]) {
		t.Errorf("%q %v", parts, err)
	}
	if _, err := got.renewed([]string{"Runs", "nothing"}); err == nil {
		t.Error("a page was renewed from another program's output")
	}
}
