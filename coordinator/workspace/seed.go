package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sandtable/sandtable/sim/tree"
)

// Seed is what revision 0 is made of, in this order: a folder, single files over it,
// and commands run in the result.
type Seed struct {
	From  string            // folder; "": none
	Files map[string]string // path to text
	Setup [][]string        // argv lists, run one after another in the tree
	// Env is the commands' environment beside PATH, HOME (a directory of their own),
	// TMPDIR, LANG and TZ: name to value.
	Env map[string]string
	// Timeout bounds each command; 0: five minutes.
	Timeout time.Duration
	// Run runs one command and returns when nothing of it is left; what it prints goes to
	// out. nil: each is run in a process group of its own, which is killed at its end.
	Run func(ctx context.Context, argv, env []string, dir string, out io.Writer) error

	_ struct{}
}

const setupTimeout = 5 * time.Minute

// Seed makes revision 0 and publishes it; the head must not have any revision yet.
//
// The folder is read without following links. What cannot be versioned is refused, all
// of it named, with a [*SeedError]; files that look like credentials with a
// [*CredentialError]. Paths that match [Options.Ignore] are left out.
func (w *Workspace) Seed(ctx context.Context, s Seed) (t *tree.Tree, err error) {
	op := w.ops.begin("seed", setupAuthor, opIn{})
	defer func() { op.end(opOut{Root: rootOf(t)}, err) }()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(ctx); err != nil {
		return nil, err
	}
	if w.seeded {
		return nil, fmt.Errorf("workspace: seeded already: the head is at revision %d", w.rev)
	}
	if t, err = w.seedTree(ctx, s); err != nil {
		return nil, err
	}
	if err := w.layOutSeed(ctx, t); err != nil {
		return nil, err
	}
	if len(s.Setup) > 0 {
		if t, err = w.setUp(ctx, s); err != nil {
			return nil, err
		}
	}
	return t, w.publishSeed(t)
}

// seedTree is the folder with the files over it, as a value.
func (w *Workspace) seedTree(ctx context.Context, s Seed) (*tree.Tree, error) {
	changes := map[string]tree.Entry{}
	if s.From != "" {
		ws, err := w.readFolder(ctx, s.From)
		if err != nil {
			return nil, err
		}
		for _, c := range ws {
			changes[c.Path] = c.New
		}
	}
	for path, text := range s.Files {
		if why := nameFault(path); why != "" {
			return nil, &SeedError{[]Refusal{{path, why}}}
		}
		h, err := w.blobs.Put([]byte(text))
		if err != nil {
			return nil, err
		}
		changes[path] = tree.Entry{Kind: tree.File, Hash: h, Size: int64(len(text))}
	}
	t, err := (*tree.Tree)(nil).With(changes)
	if err != nil {
		return nil, fmt.Errorf("workspace: cannot seed: %w", err)
	}
	return t, noCredentials(t)
}

// readFolder scans the source as if it were a view that had been empty.
func (w *Workspace) readFolder(ctx context.Context, from string) (tree.WriteSet, error) {
	dir, err := filepath.EvalSymlinks(from)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("workspace: seed folder: %w", err)
	}
	parent, err := unix.Open(filepath.Dir(dir), openDirFlags|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("workspace: seed folder %s: %w", from, err)
	}
	defer unix.Close(parent)
	m, err := w.sourceMirror(parent, filepath.Base(dir))
	if err != nil {
		return nil, fmt.Errorf("workspace: seed folder %s: %w", from, err)
	}
	defer m.close()
	ws, refused, err := m.scan(ctx)
	if err == nil && m.force {
		return nil, fmt.Errorf("workspace: seed folder %s holds more than %d names: list what agents need not see under workspace.ignore",
			from, w.opt.MaxFiles)
	}
	if err == nil && len(refused) > 0 {
		err = &SeedError{refused}
	}
	return ws, err
}

// sourceMirror is a mirror that only reads.
func (w *Workspace) sourceMirror(parent int, name string) (*mirror, error) {
	m := &mirror{parent: parent, name: name, fd: -1, w: w, top: newNode(), buf: make([]byte, 8192), reads: true}
	return m, m.open()
}

// noCredentials looks at names only: hosting checklist, row C5.
func noCredentials(t *tree.Tree) error {
	var found []string
	for path := range t.All() {
		if isCredential(path) {
			found = append(found, showPath(path))
		}
	}
	if len(found) > 0 {
		return &CredentialError{found}
	}
	return nil
}

// layOutSeed empties tree/ of what an earlier, failed seed left, and lays the files out.
func (w *Workspace) layOutSeed(ctx context.Context, t *tree.Tree) error {
	w.head.top, w.head.base = newNode(), nil
	if _, _, err := w.head.scan(ctx); err != nil {
		return err
	}
	if w.head.force {
		if err := w.head.evacuate(); err != nil {
			return err
		}
	}
	return w.head.bring(t, func([]task) error { return nil })
}

// setUp runs the commands and scans what they made of the tree.
func (w *Workspace) setUp(ctx context.Context, s Seed) (*tree.Tree, error) {
	for _, argv := range s.Setup {
		if err := w.runSetup(ctx, s, argv); err != nil {
			return nil, err
		}
	}
	before := w.head.base
	ws, refused, err := w.head.scan(ctx)
	if err != nil {
		return nil, err
	}
	if len(refused) > 0 {
		return nil, &SeedError{refused}
	}
	changes := map[string]tree.Entry{}
	for _, c := range ws {
		changes[c.Path] = c.New
	}
	t, err := before.With(changes)
	if err != nil {
		return nil, fmt.Errorf("workspace: cannot seed: %w", err)
	}
	return t, noCredentials(t)
}

// runSetup runs one command, within its time.
func (w *Workspace) runSetup(ctx context.Context, s Seed, argv []string) error {
	if len(argv) == 0 {
		return errors.New("workspace: setup: an empty command")
	}
	limit := s.Timeout
	if limit <= 0 {
		limit = setupTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	home, err := w.ownDir("tmp", setupAuthor) // no agent has this name
	if err != nil {
		return err
	}
	// A file, not a pipe: a pipe would wait for what the command left in the background.
	out, err := os.CreateTemp(home, "out")
	if err != nil {
		return &StorageError{"make", home, err}
	}
	defer os.Remove(out.Name())
	defer out.Close()
	run := s.Run
	if run == nil {
		run = runGroup
	}
	err = run(ctx, argv, setupEnv(home, s.Env), filepath.Join(w.opt.Dir, "tree"), out)
	if ctx.Err() != nil {
		err = fmt.Errorf("stopped after %v: %w", limit, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("workspace: setup %q: %w: %s", argv, err, tailOf(out))
	}
	return nil
}

// runGroup runs a command in a process group of its own, which is killed whole when the
// command ends or takes too long.
func runGroup(ctx context.Context, argv, env []string, dir string, out io.Writer) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left in the background
	}
	return err
}

func setupEnv(home string, extra map[string]string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "LANG=C.UTF-8", "TZ=UTC"}
	for name, value := range extra {
		env = append(env, name+"="+value)
	}
	slices.Sort(env[5:])
	return env
}

// tailOf is the end of what a command said.
func tailOf(f *os.File) string {
	const most = 2000
	buf := make([]byte, most)
	from := int64(0)
	if st, err := f.Stat(); err == nil {
		from = max(0, st.Size()-most)
	}
	n, _ := f.ReadAt(buf, from)
	text := strings.TrimSpace(strings.ToValidUTF8(string(buf[:n]), "?"))
	if text == "" {
		return "it said nothing"
	}
	return "it said: " + text
}

// publishSeed records revision 0. The files are in place already, so that a kill before
// the commit leaves a head without a revision, which the next Seed empties.
func (w *Workspace) publishSeed(t *tree.Tree) error {
	recs, err := w.decided(Publication{Author: setupAuthor, Tree: t})
	if err != nil {
		return err
	}
	return w.transact(Publication{Author: setupAuthor, Tree: t}, recs)
}
