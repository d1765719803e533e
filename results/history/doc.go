// Package history holds what happened in a run, line by line in history.jsonl: who was
// asked, what they answered, what became of it. It has no clocks, no process ids and
// no order of arrival in it, so the same inputs give the same bytes.
//
// How it works:
//
//  1. The types of record.go are the records. They stand on their own: nothing of the
//     engine is imported, whoever plays a run maps the engine's events to them.
//  2. A record becomes one line of canonical JSON, keys sorted at every depth, with
//     three fields of the chain among its own: "kind", "n" (from 1, without gaps) and
//     "prev", the SHA-256 of the line before (its bytes without the line feed), 64
//     zeros in the first. The first record is a [Run] and carries [Schema].
//  3. The SHA-256 of the last line is the identity of the run ([Recorder.Hash]): it
//     covers every byte before it.
//  4. A [Writer] collects lines and hands them to the system at each seal, each
//     revision and the end, in one write; a [Hasher] makes the same hash of the same
//     records without a file, for runs in memory.
//  5. A [Reader] streams the lines back and verifies the chain. A tail that was torn
//     by a kill or a full disk is told by [Reader.Torn] and is no error; a broken
//     chain anywhere else is one, and names the line.
//  6. [Resume] opens the history of an interrupted run. The run is played again from
//     its recorded results; every record it makes must be the one that is there, byte
//     for byte, until they run out and new ones are appended.
//
// A Writer and a Hasher belong to the goroutine that plays the run, a Reader to its
// caller; none starts a goroutine.
//
// The chain finds damage and tampering with any line but the last; the last is covered
// only by the hash that stands elsewhere (in run.json). Texts of prompts and
// observations are here only as hashes. Times, tokens and money belong to other logs.
package history
