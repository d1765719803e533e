package workspace

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sandtable/sandtable/sim/tree"
)

func TestSeed(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Ignore = tree.Globs{"skip/**", ".env"} })
	src := filepath.Join(filepath.Dir(b.canary), "src")
	b.put(src+"/a", "folder")
	b.put(src+"/b", "folder")
	b.put(src+"/skip/x", "ignored")
	b.put(src+"/.env", "ignored secret")
	must(t, os.WriteFile(src+"/run.sh", []byte("#!"), 0o755))
	must(t, os.Symlink("a", src+"/link"))
	must(t, os.Link(src+"/a", src+"/hard"))
	r0, err := b.w.Seed(context.Background(), Seed{
		From: src, Files: map[string]string{"b": "inline", "c/d": "inline"},
		Setup: [][]string{{"sh", "-c", "echo $WORD $SECRET > made; pwd > /dev/null; (sleep 60 &)"}, {"cp", "made", "c/copy"}},
		Env:   map[string]string{"WORD": "hello"},
	})
	must(t, err)
	want := map[string]string{"a": "folder", "hard": "folder", "b": "inline", "c/d": "inline", "run.sh": "#!", "link": "-> a", "made": "hello\n", "c/copy": "hello\n"}
	b.want(b.head(), want)
	if e, _ := r0.Get("run.sh"); e.Kind != tree.Exec {
		t.Errorf("run.sh is %v", e.Kind)
	}
	must(t, os.WriteFile(b.head()+"/hard", []byte("in place"), 0o644))
	if data, _ := os.ReadFile(src + "/a"); string(data) != "folder" {
		t.Error("the head shares an inode with the seed folder")
	}
	b.foreign()
	if _, err := b.w.Seed(context.Background(), Seed{}); err == nil {
		t.Error("seeded twice")
	}
	dst := filepath.Join(filepath.Dir(b.canary), "final")
	b.put(dst+"/old", "from before")
	must(t, b.w.Final(dst))
	b.want(dst, want)
	if st, _ := os.Stat(dst + "/run.sh"); st.Mode().Perm() != 0o755 {
		t.Errorf("run.sh is %v", st.Mode())
	}
}

func TestSeedRefuses(t *testing.T) {
	cases := map[string]struct {
		do   func(src string) error
		want []string
	}{
		"links outside": {func(s string) error { return first(os.Symlink("/etc/passwd", s+"/abs"), os.Symlink("../x", s+"/rel")) }, []string{"abs", "rel"}},
		"fifo":          {func(s string) error { return syscall.Mkfifo(s+"/pipe", 0o600) }, []string{"pipe", "named pipe"}},
		"unreadable":    {func(s string) error { return syscall.Mkfifo(s+"/x/y", 0o600) }, nil},
		"huge":          {func(s string) error { return first(os.WriteFile(s+"/h", nil, 0o600), os.Truncate(s+"/h", 1<<33)) }, []string{"h", "bytes"}},
		"credentials": {func(s string) error {
			return first(os.WriteFile(s+"/.env.local", nil, 0o600), os.WriteFile(s+"/id.pem", nil, 0o600))
		}, []string{".env.local", "id.pem", "workspace.ignore"}},
		"missing folder": {os.Remove, []string{"no such file"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			src := filepath.Join(filepath.Dir(b.canary), "src")
			must(t, os.Mkdir(src, 0o755))
			if err := c.do(src); err != nil && c.want != nil {
				t.Fatal(err)
			}
			_, err := b.w.Seed(context.Background(), Seed{From: src})
			if c.want == nil {
				must(t, err)
				return
			}
			if err == nil {
				t.Fatal("taken")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q lacks %q", err, w)
				}
			}
			if _, _, ok := b.w.Head(); ok {
				t.Error("a refused seed has a revision")
			}
			b.seed(map[string]string{"a": "a"}) // and can be mended
		})
	}
}

func TestSetupFails(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	_, err := b.w.Seed(ctx, Seed{Files: map[string]string{"a": "a"}, Setup: [][]string{{"sh", "-c", "touch junk; echo why >&2; exit 3"}}})
	if err == nil || !strings.Contains(err.Error(), "why") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v", err)
	}
	start := time.Now()
	_, err = b.w.Seed(ctx, Seed{Setup: [][]string{{"sh", "-c", "sleep 60 & sleep 60"}}, Timeout: 50 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	b.seed(map[string]string{"a": "a"})
	b.want(b.head(), map[string]string{"a": "a"})
}

func TestCredentialNames(t *testing.T) {
	yes := []string{
		".env", "x/.env.production", ".git-credentials", "home/.aws/credentials", ".aws/sso/cache/x", ".azure/token.json",
		".config/gcloud/application_default_credentials.json", ".docker/config.json", ".kube/config", "kubeconfig",
		".npmrc", "a/b/.pypirc", "prod-service-account.json", "tls/server.pem", "server.key",
	}
	no := []string{"env", "environment.go", "docker/config.json", "keys.md", "monkey", "kube/config", "a.pem.md", "service-account.json.txt"}
	for _, p := range slices.Concat(yes, no) {
		if got, want := isCredential(p), slices.Contains(yes, p); got != want {
			t.Errorf("%s: %v, want %v", p, got, want)
		}
	}
}

func TestShortNames(t *testing.T) {
	for agent, want := range map[string]string{"village-1": "village-1", "a": "a"} {
		if got := shortName(agent); got != want {
			t.Errorf("%s: %s", agent, got)
		}
	}
	for _, agent := range []string{"", "..", "a/b", "A", strings.Repeat("x", 33), "é"} {
		if got := shortName(agent); len(got) != 12 || strings.ContainsAny(got, "./") {
			t.Errorf("%q: %s", agent, got)
		}
	}
	if shortName("A") == shortName("B") {
		t.Error("two agents share a view")
	}
}
