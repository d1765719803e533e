package jsonl

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type row struct {
	Name string `json:"name"`
	N    int64  `json:"n"`
}

var rows = []row{{"a", 1}, {"line\nfeed", 1<<53 + 1}, {`quo"te <&> ` + "\u2028", -3}}

func write(t *testing.T, path string, rows ...row) {
	t.Helper()
	w, err := Open(path, Options{Sync: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(path string) ([]row, *Torn, error) {
	var got []row
	torn, err := Each(path, func(r *row) error { got = append(got, *r); return nil })
	return got, torn, err
}

func TestRoundTripAndAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	write(t, path, rows[:1]...)
	write(t, path, rows[1:]...)
	got, torn, err := read(path)
	if err != nil || torn != nil {
		t.Fatal(torn, err)
	}
	if d := cmp.Diff(rows, got); d != "" {
		t.Error(d)
	}
}

// The checksum is CRC-32C as RFC 3720 B.4 has it: 32 zero bytes give aa 36 91 8a,
// most significant byte last there, first here.
func TestChecksumVector(t *testing.T) {
	if got := hex.EncodeToString(checksum(make([]byte, 32))); got != "8a9136aa" {
		t.Errorf("checksum = %s", got)
	}
}

// Cut anywhere, a log gives back every record whose line feed is there, tells of the
// rest, and can be appended to.
func TestTornAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log.jsonl")
	write(t, path, rows...)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		path := filepath.Join(dir, fmt.Sprint(cut))
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		n := bytes.Count(whole[:cut], []byte("\n"))
		got, torn, err := read(path)
		if err != nil || len(got) != n {
			t.Fatalf("cut at %d: %d records, want %d: %v", cut, len(got), n, err)
		}
		left := cut - (bytes.LastIndexByte(whole[:cut], '\n') + 1)
		if (torn != nil) != (left > 0) || torn != nil && (torn.Bytes != int64(left) || torn.Line != n+1) {
			t.Fatalf("cut at %d: torn %v, %d bytes are left over", cut, torn, left)
		}
		write(t, path, row{"again", 7})
		got, torn, err = read(path)
		if err != nil || torn != nil || len(got) != n+1 || got[n].Name != "again" {
			t.Fatalf("cut at %d, after appending: %v %v %v", cut, got, torn, err)
		}
	}
}

// Negative control: any changed byte of any line is found, and its line named.
func TestDamageIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	write(t, path, rows...)
	whole, _ := os.ReadFile(path)
	for i := range whole {
		if whole[i] == '\n' {
			continue // two lines in one, or a torn tail: the cases below
		}
		bad := bytes.Clone(whole)
		bad[i] ^= 1
		if bad[i] == '\n' {
			continue
		}
		_, err := all(bad)
		var corrupt *CorruptError
		if want := 1 + bytes.Count(whole[:i], []byte("\n")); !errors.As(err, &corrupt) || corrupt.Line != want || corrupt.Good != want-1 {
			t.Fatalf("byte %d (%q): %v, want line %d", i, whole[i], err, want)
		}
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for name, bad := range map[string][]byte{
		"dropped":  bytes.Join([][]byte{lines[0], lines[2]}, nil),
		"repeated": bytes.Join([][]byte{lines[0], lines[0], lines[1]}, nil),
		"blank":    bytes.Join([][]byte{lines[0], []byte("\n"), lines[1]}, nil),
		"joined":   bytes.Replace(whole, []byte("\n"), nil, 1),
	} {
		if _, err := all(bad); err == nil {
			t.Errorf("%s line: not found", name)
		}
	}
}

func all(data []byte) (n int, err error) {
	r := NewReader(bytes.NewReader(data), "log")
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
		n++
	}
}

// full is a disk with room for so many bytes. What does not fit is written in part.
type full struct {
	bytes.Buffer
	room   int
	cannot bool // truncate
}

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.room -= n
	f.Buffer.Write(p[:n])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (f *full) Truncate(size int64) error {
	if f.cannot {
		return syscall.EIO
	}
	f.Buffer.Truncate(int(size))
	return nil
}
func (*full) Sync() error  { return nil }
func (*full) Close() error { return nil }

func TestFullDisk(t *testing.T) {
	for room := range 200 {
		for _, cannot := range []bool{false, true} {
			f := &full{room: room, cannot: cannot}
			w := NewWriter(f, "log", Options{})
			good, err := 0, error(nil)
			for good < 100 && err == nil {
				if err = w.Append(rows[0]); err == nil {
					good++
				}
			}
			if !errors.Is(err, syscall.ENOSPC) || !errors.Is(w.Append(rows[0]), syscall.ENOSPC) {
				t.Fatalf("room %d: %v", room, err)
			}
			if n, err := all(f.Bytes()); err != nil || n != good {
				t.Fatalf("room %d: %d records are readable, want %d: %v", room, n, good, err)
			}
			if b := f.Bytes(); !cannot && len(b) > 0 && b[len(b)-1] != '\n' {
				t.Fatalf("room %d: what was written in part was not cut off", room)
			}
		}
	}
}

func TestRefusedRecordsWriteNothing(t *testing.T) {
	f := &full{room: 1 << 20}
	w := NewWriter(f, "log", Options{})
	for _, bad := range []any{[]int{1}, "text", nil, make(chan int), map[string]any{"seq": 1}, map[string]any{"a": []any{1}, "crc": 1}} {
		if err := w.Append(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	for _, good := range []any{struct{}{}, map[string]any{"a": map[string]any{"seq": 1}, "b": "\"crc\":"}} {
		if err := w.Append(good); err != nil {
			t.Error(err)
		}
	}
	if n, err := all(f.Bytes()); n != 2 || err != nil {
		t.Errorf("%d records, %v:\n%s", n, err, f.Bytes())
	}
}

func TestManyGoroutines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	w, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 50 {
				if err := w.Append(row{strings.Repeat("x", i*10), int64(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(row{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	if got, _, err := read(path); len(got) != 400 || err != nil {
		t.Errorf("%d records, %v", len(got), err)
	}
}

func FuzzReader(f *testing.F) {
	var b full
	b.room = 1 << 20
	w := NewWriter(&b, "log", Options{})
	for _, r := range rows {
		_ = w.Append(r)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()-9])
	f.Add([]byte("{}\n{\"crc\":\"00000000\"}\n"))
	f.Add([]byte("\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(bytes.NewReader(data), "log")
		for {
			body, err := r.Next()
			if err != nil {
				break
			}
			if !json.Valid(body) {
				t.Fatalf("%q is no JSON", body)
			}
		}
		if r.lines.Whole() > int64(len(data)) {
			t.Fatal("read beyond the end")
		}
	})
}
