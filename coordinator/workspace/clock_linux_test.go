package workspace

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
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

// mountMemory mounts a tmpfs.
func mountMemory(t *testing.T) string {
	t.Helper()
	mnt := t.TempDir()
	if err := unix.Mount("tmpfs", mnt, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("SKIPPED: a tmpfs of its own needs CAP_SYS_ADMIN: %v", err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(mnt, unix.MNT_DETACH)) })
	return mnt
}

// mountOverlay mounts an overlay on a folder of the file system that tests run on.
func mountOverlay(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	for _, d := range []string{"lower", "upper", "work", "mnt"} {
		must(t, os.Mkdir(filepath.Join(base, d), 0o755))
	}
	options := "lowerdir=" + base + "/lower,upperdir=" + base + "/upper,workdir=" + base + "/work"
	if err := unix.Mount("overlay", base+"/mnt", "overlay", 0, options); err != nil {
		t.Skipf("SKIPPED: overlayfs is not to be had: %v", err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(base+"/mnt", unix.MNT_DETACH)) })
	return base + "/mnt"
}

// TestMappedStoresLeaveNoTrace changes files through mappings, on file systems whose
// stamps and writer test do not tell of it: one that is gone when the scan comes, and
// one that stays.
func TestMappedStoresLeaveNoTrace(t *testing.T) {
	for name, mount := range map[string]func(*testing.T) string{
		"disk": func(t *testing.T) string { return t.TempDir() }, "tmpfs": mountMemory, "overlay": mountOverlay,
	} {
		t.Run(name, func(t *testing.T) {
			dir := mount(t)
			b := &bench{TB: t, dir: dir + "/box", journal: dir + "/journal"}
			b.open()
			t.Cleanup(func() { must(t, b.w.Close()) })
			v := b.view("ann", b.seed(map[string]string{"gone": "0", "stays": "0"}))
			stays := mapped(t, v.Dir()+"/stays")
			defer unix.Munmap(stays)
			for digit := byte('1'); digit <= '5'; digit++ {
				gone := mapped(t, v.Dir()+"/gone")
				gone[0], stays[0] = gone[0]+1, stays[0]+1 // each is read first
				must(t, unix.Munmap(gone))
				ws, _ := b.scan(v)
				if paths(ws) != "gone stays" || b.text(ws[0].New) != string(digit) || b.text(ws[1].New) != string(digit) {
					t.Fatalf("store %c: found %q: %v", digit, paths(ws), ws)
				}
			}
		})
	}
}

// mapped maps a file of one byte, and closes it.
func mapped(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	must(t, err)
	mem, err := unix.Mmap(int(f.Fd()), 0, 1, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	must(t, err)
	must(t, f.Close())
	return mem
}
