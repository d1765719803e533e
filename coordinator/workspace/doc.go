// Package workspace keeps the shared tree of a run on disk, and every agent's private
// view of it, so that no change is lost: it is in the head, or its bytes are in the
// journal and its author is told.
//
// Words: the head is the shared tree, published in [Options.Dir]/tree; a view is the
// private copy that one agent works in; the journal is the run's append-only record,
// wal.jsonl, ops.jsonl and blobs. The engine (package sim) decides what becomes of a
// write set and owns the head as a value; this package mirrors that value on disk and
// finds out what others did to it.
//
// How it works, snapshot mode, tier T0:
//
//  1. [Open] takes the locks on sandbox directory and journal, reads it, and finishes
//     what a killed coordinator left half done. [Workspace.Seed] makes revision 0.
//  2. [View.Refresh] brings a view to a tree: only what differs is touched, each file
//     by a staged copy that is renamed into place.
//  3. While agents act, nothing here runs. When the agent is frozen, [View.Scan] finds
//     what it changed by names and lstat, reads only files whose inode, size, mode,
//     nanosecond mtime or ctime differ, stores their bytes and returns a write set.
//     What cannot be taken comes back as a [Refusal] with path and reason. [View.Peek]
//     tells an agent the same while it runs.
//  4. At the seal [Workspace.Foreign] scans the head: what changed there without the
//     engine is a write set by @foreign, committed before the stage's own.
//  5. [Workspace.Publish] makes the next revision visible: bytes in blobs, intents in
//     the WAL, exchange of inodes, hash of what was displaced, commit in the WAL. What
//     was displaced and is not what was expected is kept and handed out by the next
//     Foreign, against the base it was made from.
//  6. [View.Conflict] and [View.Uncommitted] tell an agent what happened to its bytes
//     and lay both versions out in its view, under .sandtable/conflicts.
//
// Symbolic links are never followed: every access below a view, the head or a seed
// folder goes through directory descriptors without links. Devices, pipes and sockets
// are never read; they are opened only if swapped in between two system calls, and then
// without blocking and without reading.
//
// The guarantee at a boundary: the scan is the truth. It runs at every boundary unless
// [Options.TrustEvents] is set, because a tree of 2,000 files takes a few milliseconds;
// file events (fsnotify) are evidence and counters only. A change that is there when
// the scan passes is found, also stores through shared mappings, because a file that
// anyone holds open for writing is read again each time. Where mappings come and go
// without a trace (tmpfs, overlayfs), which [Open] tries out, every file is.
//
// Goroutines: one watches the head if watching is on; [Workspace.Close] ends it and
// waits. A [Workspace] is safe for concurrent use; a [View] serialises its own calls, so
// views of different agents may be scanned and refreshed at the same time.
//
// What is displaced is read, kept while anyone has it open for writing, and read again
// when nobody has, before it is removed. (On overlayfs a mapping is not seen: what is
// stored through one after the removal is lost with the inode.) An open that had found the name but not yet
// the inode when it was displaced may still write into a removed inode: a window of the
// kernel's, microseconds long, that only tier T1 closes.
//
// It does not promise: to keep processes of the same uid out of another view (tier T0
// has no separation; what they write there passes as that agent's own); to see states
// that came and went between two boundaries; to lay out empty directories or versioned
// modes other than the executable bit; to survive a loss of power with
// [Options.NoSync].
package workspace
