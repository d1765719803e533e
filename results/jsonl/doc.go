// Package jsonl holds append-only logs of JSON records, one a line, that stay readable
// after a kill or a full disk up to the last whole record. Trace, ledger, intake and
// the episodes of an in-memory batch are such logs.
//
// How it works:
//
//  1. [Writer.Append] encodes a record, puts a checksum and a sequence number in
//     front of its own fields, and hands the whole line to the system in one write:
//     {"crc":"1a2b3c4d","seq":17,"agent":"a",…}. The checksum is CRC-32C, in hex, of
//     every byte of the line after the checksum's own closing quote.
//  2. A write that fails half-way is cut off again where the file lets it; either way
//     the writer is finished, and says so from then on.
//  3. [Reader.Next] gives the records back one by one and never holds more than one.
//     Bytes after the last line feed are a torn tail: [Reader.Torn] tells of them, and
//     they are no error. A damaged, missing or repeated line anywhere else is a
//     [CorruptError] that names the line; what came before it has been returned.
//  4. [Open] cuts a torn tail off before it appends behind the last whole record.
//
// Every line is a plain JSON object, so that other tools can read it; "crc" and "seq"
// are reserved names. A Writer may be used by several goroutines, a Reader by one;
// neither starts any.
//
// A checksum finds damage, not forgery: whoever can write the file can make a new one.
// Without [Options.Sync] a record outlives the process, but not a power failure.
package jsonl
