package tree

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestUnifiedDiff(t *testing.T) {
	got := UnifiedDiff([]byte("1\n2\n3\n4\n5\n6\n7\n8"), []byte("1\n2\n3\n4\nx\n6\n7\n8\n"), "a/f", "b/\n")
	want := "--- a/f\n+++ \"b/\\n\"\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n-8\n\\ No newline at end of file\n+8\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if UnifiedDiff([]byte("x"), []byte("x"), "a", "b") != nil {
		t.Error("equal texts differ")
	}
	if got := string(UnifiedDiff([]byte("x"), []byte("\x00"), "a", "b")); got != "Binary or large files a and b differ\n" {
		t.Errorf("binary: %q", got)
	}
	if got := string(UnifiedDiff(nil, []byte("x\n"), "a", "b")); got != "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+x\n" {
		t.Errorf("from nothing: %q", got)
	}
}

// A diff is right if patching with it gives the other text.
func TestUnifiedDiffPatches(t *testing.T) {
	for seed := range uint64(1000) {
		a, b, c := triple(rand.New(rand.NewPCG(seed, 6)))
		for _, x := range [][]byte{b, c, nil} {
			d := UnifiedDiff(a, x, "a", "b")
			if got, err := patch(a, d); err != nil || !bytes.Equal(got, x) {
				t.Fatalf("patching %q with\n%s\ngives %q (%v), want %q", a, d, got, err, x)
			}
		}
	}
}

// patch applies a unified diff, checking every context line and every count.
func patch(text, diff []byte) ([]byte, error) {
	if len(diff) == 0 {
		return text, nil
	}
	lines := splitLines(text)
	var out [][]byte
	at, wantA, wantB := 0, 0, 0
	rest := splitLines(diff)[2:]
	for i, line := range rest {
		body := line[1:]
		if i+1 < len(rest) && bytes.HasPrefix(rest[i+1], []byte(`\ No newline`)) {
			body = bytes.TrimSuffix(body, []byte("\n"))
		}
		switch line[0] {
		case '@':
			var from, countA, fromB, countB int
			if _, err := fmt.Sscanf(string(line), "@@ -%d,%d +%d,%d @@", &from, &countA, &fromB, &countB); err != nil {
				return nil, err
			}
			if countA > 0 {
				from--
			}
			out = append(out, lines[at:from]...)
			at, wantA, wantB = from, from+countA, len(out)+countB
		case ' ', '-':
			if at >= len(lines) || !bytes.Equal(lines[at], body) {
				return nil, fmt.Errorf("line %q does not stand at %d", body, at)
			}
			if line[0] == ' ' {
				out = append(out, body)
			}
			at++
		case '+':
			out = append(out, body)
		}
		if last := i+1 == len(rest) || rest[i+1][0] == '@'; last && (at != wantA || len(out) != wantB) {
			return nil, fmt.Errorf("wrong counts in %q", strings.TrimSpace(string(line)))
		}
	}
	return joinLines(append(out, lines[at:]...)), nil
}
