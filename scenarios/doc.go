// Package scenarios reads scenario files: it loads them strictly, explains every
// error at its place, and expands them into runs.
//
// How it works:
//
//  1. [Load] reads `scenario.yaml` into a tree whose nodes know where they stand.
//     Scalars are resolved by the YAML 1.2 core schema: on, no and yes are texts.
//  2. `--set` changes the tree ([ParseSet]), before anything looks at it.
//  3. Tables of fields, one per kind of object, turn the tree into a [Scenario]. What
//     may hold an expression keeps it compiled ([Value], [Dyn], [Text]) for exactly
//     the names that its place offers. The same tables yield [JSONSchema].
//  4. Files beside it are read once, through one root that no path and no symbolic
//     link leads out of; their hashes and the file's own make the [Scenario.Digest].
//  5. [Scenario.Expand] multiplies the matrix, evaluates what is known before a run,
//     checks what refers to what in every cell, and lists the runs. Load does so too,
//     so that a file that loads also expands.
//
// All errors of a file are reported at once, sorted by place ([Errors]). What later
// versions bring is known and refused by name, never ignored.
//
// The package starts no goroutine. A loaded [Scenario] and a [Plan] may be used by
// many at a time. It promises nothing about worlds and agents: it knows where their
// programs are, and that their Starlark parses.
package scenarios
