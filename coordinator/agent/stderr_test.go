package agent_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/coordinator/agent"
)

func TestStderrKeepsTheEnd(t *testing.T) {
	var all strings.Builder
	s := agent.NewStderr(nil)
	for i := range 3000 {
		text := strings.Repeat(string(rune('a'+i%26)), i%7)
		all.WriteString(text)
		s.Write([]byte(text))
		if want := all.String()[max(0, all.Len()-agent.StderrEnd):]; string(s.End()) != want {
			t.Fatalf("after %d writes the end is wrong", i)
		}
	}
	s.Write([]byte(strings.Repeat("z", 3*agent.StderrEnd)))
	if string(s.End()) != strings.Repeat("z", agent.StderrEnd) {
		t.Error("a large write")
	}
}

// A process that floods its stderr does not fill the disk, and its end is kept all the same.
func TestStderrIsBounded(t *testing.T) {
	var all bytes.Buffer
	s := agent.NewStderr(&all)
	for range 40 {
		s.Write(bytes.Repeat([]byte("x"), 1<<20-1)) // none ends where the copy does
	}
	s.Write([]byte(" the last words"))
	const mark = "\n[stderr is cut here, at 16777216 bytes]\n"
	if all.String() != strings.Repeat("x", 16<<20)+mark {
		t.Errorf("%d bytes are kept", all.Len())
	}
	if !strings.HasSuffix(string(s.End()), "the last words") {
		t.Error("the end is lost")
	}
}

// full is a disk without room.
type full struct{ writes int }

func (f *full) Write([]byte) (int, error) {
	f.writes++
	return 0, errors.New("no space left on device")
}

func TestStderrSurvivesAFullDisk(t *testing.T) {
	disk := &full{}
	s := agent.NewStderr(disk)
	for range 3 {
		if n, err := s.Write([]byte("words ")); n != 6 || err != nil {
			t.Errorf("%d %v", n, err)
		}
	}
	if string(s.End()) != "words words words " || disk.writes != 1 {
		t.Errorf("%q after %d writes", s.End(), disk.writes)
	}
}
