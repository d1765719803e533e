package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMountInAView mounts a folder from outside into a view (a bind alias, arbitration
// section 11). Nothing out there is taken or changed, and the agent is told.
func TestMountInAView(t *testing.T) {
	b := newBench(t)
	r0 := b.seed(map[string]string{"f": "f", "sub/g": "g"})
	v := b.view("ann", r0)
	outside := filepath.Join(filepath.Dir(b.canary), "outside")
	b.put(outside+"/secret", "s")
	must(t, os.Mkdir(outside+"/closed", 0))
	if err := unix.Mount(outside, v.Dir()+"/sub", "", unix.MS_BIND, ""); err != nil {
		t.Skipf("SKIPPED: a bind mount needs CAP_SYS_ADMIN: %v", err)
	}
	mounted := true
	t.Cleanup(func() {
		if mounted {
			_ = unix.Unmount(v.Dir()+"/sub", unix.MNT_DETACH)
		}
	})
	b.put(v.Dir()+"/f", "mine")
	ws, refused := b.scan(v)
	if paths(ws) != "f" || len(refused) != 1 || refused[0].Path != "sub" || !strings.Contains(refused[0].Reason, "unmount") {
		t.Errorf("write set %q, refused %v", paths(ws), refused)
	}
	err := v.Refresh(b.change(r0, map[string]string{"sub/g": "", "sub/new/x": "x"}))
	if !errors.Is(err, unix.EBUSY) {
		t.Errorf("refresh below the mount: %v", err)
	}
	if st, _ := os.Stat(outside + "/closed"); st.Mode().Perm() != 0 || len(readDir(t, outside)) != 1 {
		t.Errorf("outside: %v, %v", st.Mode(), readDir(t, outside))
	}
	must(t, unix.Unmount(v.Dir()+"/sub", 0))
	mounted = false
	must(t, v.Refresh(r0))
	b.want(v.Dir(), map[string]string{"f": "f", "sub/g": "g"})
}
