package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"

	"github.com/sandtable/sandtable/sim/tree"
)

// barrierWait is how long a cookie's event is awaited. Events take microseconds
// (arbitration 5.2); what takes longer is taken for lost, and a scan follows.
const barrierWait = 500 * time.Millisecond

// watcher listens to file events below the head. What it says is a hint: it may miss
// stores through mappings and writes through links from outside, and it says so when
// events overflowed. Its one goroutine ends with close. A nil watcher is one that never
// started.
type watcher struct {
	root string
	log  hclog.Logger
	fs   *fsnotify.Watcher
	done chan struct{}

	mu        sync.Mutex
	touched   bool // an event or a loss of events since the last clean
	why       string
	events    uint64
	overflows uint64
	barriers  uint64
	missed    uint64
	cookie    string
	arrived   chan struct{}
}

// startWatcher never fails: without events the scans still find everything.
func startWatcher(root string, log hclog.Logger) *watcher {
	w := &watcher{root: root, log: log, done: make(chan struct{})}
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		close(w.done)
		w.degrade(err)
		return w
	}
	w.fs = fs
	w.add(root)
	go w.loop()
	return w
}

// degrade notes that events are incomplete. Every boundary then counts as touched.
func (w *watcher) degrade(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why == "" {
		w.why = err.Error()
		w.log.Warn("file events are not complete: changes of the head are found by scans only", "reason", err)
	}
}

// add watches a directory and those below it. Watching comes before listing: what is
// made in between is either listed or raises an event.
func (w *watcher) add(dir string) {
	if err := w.fs.Add(dir); err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fsnotify.ErrClosed) {
			w.degrade(fmt.Errorf("watch a folder of the head: %w", err))
		}
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.IsDir() {
			w.add(filepath.Join(dir, e.Name()))
		}
	}
}

// again watches what stands in the place of the head's folder now.
func (w *watcher) again() {
	if w == nil || w.fs == nil {
		return
	}
	for _, name := range w.fs.WatchList() {
		_ = w.fs.Remove(name) // of folders that are gone it is an error
	}
	w.add(w.root)
}

func (w *watcher) loop() {
	defer close(w.done)
	for {
		select {
		case ev, ok := <-w.fs.Events:
			if !ok {
				return
			}
			w.hear(ev)
		case err, ok := <-w.fs.Errors:
			if !ok {
				return
			}
			w.hearError(err)
		}
	}
}

func (w *watcher) hear(ev fsnotify.Event) {
	top, _, _ := strings.Cut(strings.TrimPrefix(ev.Name, w.root+"/"), "/")
	reserved := top == tree.Reserved
	if ev.Has(fsnotify.Create) {
		if st, err := os.Lstat(ev.Name); err == nil && st.IsDir() {
			w.add(ev.Name)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if reserved {
		w.meetCookie(ev.Name)
		return
	}
	w.events++
	w.touched = true
}

// meetCookie runs under w.mu.
func (w *watcher) meetCookie(name string) {
	if name == w.cookie && w.arrived != nil {
		close(w.arrived)
		w.arrived = nil
	}
}

func (w *watcher) hearError(err error) {
	w.mu.Lock()
	w.touched = true
	if errors.Is(err, fsnotify.ErrEventOverflow) {
		w.overflows++
		w.mu.Unlock()
		w.add(w.root) // folders made while events were lost are not watched yet
		return
	}
	w.mu.Unlock()
	w.degrade(err)
}

// dirty reports whether anything may have happened since the last clean.
func (w *watcher) dirty() bool {
	if w == nil {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.touched || w.why != ""
}

func (w *watcher) clean() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.touched = false
}

// barrier returns true once every event of the past has been heard: it makes a file in
// the watched tree and waits for its event, which one queue delivers in order.
func (w *watcher) barrier(ctx context.Context) bool {
	if w == nil || w.fs == nil {
		return false
	}
	dir := filepath.Join(w.root, tree.Reserved)
	if err := os.MkdirAll(dir, 0o755); err != nil || w.fs.Add(dir) != nil {
		return false
	}
	name, arrived := w.bake(dir)
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		return false
	}
	defer os.Remove(name)
	ctx, cancel := context.WithTimeout(ctx, barrierWait)
	defer cancel()
	select {
	case <-arrived:
		return true
	case <-w.done:
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.missed++
	return false
}

func (w *watcher) bake(dir string) (string, chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.barriers++
	w.cookie = filepath.Join(dir, fmt.Sprintf("cookie-%d", w.barriers))
	w.arrived = make(chan struct{})
	return w.cookie, w.arrived
}

func (w *watcher) report(s *Stats) {
	if w == nil {
		s.Watching = "switched off"
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s.Events, s.Overflows, s.Barriers, s.Missed, s.Watching = w.events, w.overflows, w.barriers, w.missed, w.why
}

func (w *watcher) close() {
	if w.fs != nil {
		_ = w.fs.Close()
	}
	<-w.done
}
