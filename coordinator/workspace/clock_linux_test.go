package workspace

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// mountWholeSeconds mounts a file system that keeps times in whole seconds: ext4 with the
// small inodes that older tools made on small disks.
func mountWholeSeconds(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	image, mnt := filepath.Join(dir, "image"), filepath.Join(dir, "mnt")
	must(t, os.Mkdir(mnt, 0o755))
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, 16<<20))
	for _, argv := range [][]string{{"mkfs.ext4", "-q", "-F", "-I", "128", image}, {"mount", "-o", "loop", image, mnt}} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Skipf("SKIPPED: a clock of whole seconds needs mkfs.ext4, a loop device and CAP_SYS_ADMIN: %v: %s", err, out)
		}
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", mnt).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return mnt
}

// TestClockOfWholeSeconds makes many changes in one second, of contents and of names, in a
// view and in the head: no stamp tells them apart.
func TestClockOfWholeSeconds(t *testing.T) {
	mnt := mountWholeSeconds(t)
	b := &bench{TB: t, dir: mnt + "/box", journal: mnt + "/journal"}
	b.open()
	t.Cleanup(func() { must(t, b.w.Close()) })
	r0 := b.seed(map[string]string{"f": "0", "d/g": "0"})
	v := b.view("ann", r0)
	for i := range 5 {
		digit := string(rune('1' + i))
		for _, dir := range []string{v.Dir(), b.head()} {
			must(t, os.WriteFile(dir+"/f", []byte(digit), 0o644))
			must(t, os.WriteFile(dir+"/d/"+digit, nil, 0o644))
		}
		want := map[int]string{0: "d/1 f", 1: "d/1 d/2 f", 2: "d/1 d/2 d/3 f", 3: "d/1 d/2 d/3 d/4 f", 4: "d/1 d/2 d/3 d/4 d/5 f"}[i]
		if ws, _ := b.scan(v); paths(ws) != want || b.text(ws[len(ws)-1].New) != digit {
			t.Errorf("view, change %d: %q, want %q", i, paths(ws), want)
		}
		ws := b.foreign()
		if paths(ws) != "d/"+digit+" f" {
			t.Errorf("head, change %d: %q", i, paths(ws))
		}
		b.commit("@foreign", ws)
	}
}
