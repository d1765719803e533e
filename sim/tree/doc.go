// Package tree holds the shared workspace as values: immutable trees of files,
// the write sets that agents propose, and the rules by which a write set enters
// the head.
//
// How it works:
//
//  1. A [Tree] is an immutable Merkle tree of directories. Changing a path copies
//     the directories above it and shares the rest; [Tree.Root] is one SHA-256
//     over everything, so two trees are equal exactly when their roots are.
//  2. File content lives in [Blobs], addressed by SHA-256; a tree holds only
//     [Entry] values (kind, hash, size).
//  3. A [WriteSet] is the difference between the tree an agent was given and the
//     tree it left, path by path, with the base entry of every path.
//  4. [Commit] takes a write set into a head under [Policies]: what is untouched
//     since the base is fast-forwarded, the rest is merged, rejected or replaced as
//     the first matching rule says. Every path yields a [Decision].
//
// Everything here is pure: no files, no clock, no goroutines, no randomness. The
// engine (package sim) and the workspace on disk use the same code, so a run in
// memory and a run with processes cannot decide differently.
//
// It does not promise to merge meaning: two edits that merge cleanly as text may
// still contradict each other.
package tree
