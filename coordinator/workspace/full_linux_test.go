package workspace

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDiskFull fills a small file system of its own.
func TestDiskFull(t *testing.T) {
	mnt := t.TempDir()
	if err := unix.Mount("tmpfs", mnt, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("SKIPPED: a full disk needs a tmpfs of its own, hence CAP_SYS_ADMIN: %v", err)
	}
	defer func() { must(t, unix.Unmount(mnt, unix.MNT_DETACH)) }()
	w, err := Open(Options{Dir: mnt + "/box", Journal: mnt + "/journal", NoWatch: true})
	must(t, err)
	b := &bench{TB: t, dir: mnt + "/box", journal: mnt + "/journal", w: w}
	defer func() { must(t, b.w.Close()) }()
	r0 := b.seed(map[string]string{"a": "a", "b": "b"})
	next := b.change(r0, map[string]string{"a": strings.Repeat("A", 150<<10), "b": ""})
	must(t, os.WriteFile(mnt+"/ballast", nil, 0o644))
	f, err := os.OpenFile(mnt+"/ballast", os.O_WRONLY, 0)
	must(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	must(t, f.Close())
	if _, err := b.w.Blobs().Put([]byte(strings.Repeat("B", 8192))); !IsFull(err) {
		t.Errorf("put on a full disk: %v", err)
	}
	err = b.publish(next)
	var st *StorageError
	if !errors.As(err, &st) || !IsFull(err) || !strings.Contains(err.Error(), "nothing was displaced") {
		t.Errorf("publish on a full disk: %v", err)
	}
	b.want(b.head(), map[string]string{"a": "a", "b": "b"})
	must(t, os.Remove(mnt+"/ballast"))
	must(t, b.publish(next)) // and goes on when there is room
	if names, _ := os.ReadDir(mnt + "/box/stage"); len(names) != 0 {
		t.Errorf("stage holds %v", names)
	}
}

// TestOpsLogOnAFullDisk: a call that is logged when there is room again does not stand in
// the line that the full disk tore.
func TestOpsLogOnAFullDisk(t *testing.T) {
	mnt := t.TempDir()
	if err := unix.Mount("tmpfs", mnt, "tmpfs", 0, "size=128k"); err != nil {
		t.Skipf("SKIPPED: a full disk needs a tmpfs of its own, hence CAP_SYS_ADMIN: %v", err)
	}
	defer func() { must(t, unix.Unmount(mnt, unix.MNT_DETACH)) }()
	log, err := openOps(mnt+"/ops.jsonl", 1)
	must(t, err)
	must(t, os.WriteFile(mnt+"/ballast", make([]byte, 100<<10), 0o644))
	for range 500 { // far more than there is room for
		log.begin("scan", "ann", opIn{}).end(opOut{}, nil)
	}
	must(t, os.Remove(mnt+"/ballast"))
	for range 3 {
		log.begin("scan", "ann", opIn{}).end(opOut{}, nil)
	}
	must(t, log.f.Close())
	data, err := os.ReadFile(mnt + "/ops.jsonl")
	must(t, err)
	whole, torn := map[uint64]bool{}, 0
	for line := range bytes.Lines(data) {
		var op opLine
		if json.Unmarshal(line, &op) == nil {
			whole[op.N] = true
		} else if len(bytes.TrimSpace(line)) > 0 {
			torn++
		}
	}
	if torn != 1 || !whole[501] || !whole[502] || !whole[503] || whole[500] {
		t.Errorf("%d torn lines, %d whole ones", torn, len(whole))
	}
}

// TestWALOnAFullDisk: half a record that the disk had room for is cut off again.
func TestWALOnAFullDisk(t *testing.T) {
	mnt := t.TempDir()
	if err := unix.Mount("tmpfs", mnt, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("SKIPPED: a full disk needs a tmpfs of its own, hence CAP_SYS_ADMIN: %v", err)
	}
	defer func() { must(t, unix.Unmount(mnt, unix.MNT_DETACH)) }()
	f, err := os.Create(mnt + "/wal.jsonl")
	must(t, err)
	defer f.Close()
	l := &wal{f: f, sync: true, epoch: 1}
	must(t, l.append([]Record{{Type: RecEpoch}}, false, true))
	long := Record{Type: RecDecided, Path: "f", Reason: strings.Repeat("x", 100<<10)}
	if err := l.append([]Record{long}, true, true); !IsFull(err) {
		t.Fatalf("append: %v", err)
	}
	if st, err := f.Stat(); err != nil || st.Size() != l.size {
		t.Errorf("%d bytes, of which %d are whole records: %v", st.Size(), l.size, err)
	}
	must(t, l.append([]Record{{Type: RecCommit}}, false, true))
	if log, err := ReadWAL(f.Name()); err != nil || len(log.Records) != 2 || log.Torn != 0 {
		t.Errorf("%+v: %v", log, err)
	}
}
