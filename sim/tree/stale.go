package tree

import (
	"bytes"
	"fmt"
)

// stale decides a path whose head is no longer the author's base.
func (c *commit) stale(d Decision) (Decision, error) {
	// Append comes first: two authors who add the same line add two lines.
	if d.Policy == Append && !d.New.Absent() && !d.Head.Absent() {
		return c.append(d)
	}
	// So does reject-stale: two who each pay one coin into the same balance write the
	// same bytes, and taking both would lose a coin.
	if d.Policy == RejectStale {
		d.Outcome, d.Reason = Stale, c.reason(d, "changes of an older version are rejected")
		return d, nil
	}
	if d.Head == d.New {
		d.Outcome = Same
		return d, nil
	}
	switch d.Policy {
	case LWW:
		d.Outcome, d.Result = Superseded, d.New
		return d, nil
	case FWW:
		d.Outcome, d.Reason = Kept, c.reason(d, "the first change stays")
		return d, nil
	}
	if why := cannotMerge(d); why != "" {
		return c.conflict(d, why), nil
	}
	return c.merge3(d)
}

func (c *commit) conflict(d Decision, why string) Decision {
	d.Outcome, d.Result, d.Reason = Conflict, d.Head, c.reason(d, why)
	return d
}

// cannotMerge says why no content can be merged, or "".
func cannotMerge(d Decision) string {
	switch {
	case d.New.Absent():
		return "you deleted what was changed"
	case d.Head.Absent():
		return "you changed what was deleted"
	case d.Base.Kind == Link || d.Head.Kind == Link || d.New.Kind == Link:
		return "links do not merge"
	case d.Base.Absent():
		return "both added it, and differently"
	}
	return ""
}

// merge3 merges two changes of one file.
func (c *commit) merge3(d Decision) (Decision, error) {
	d.Result = Entry{Kind: mergedKind(d), Hash: d.Head.Hash, Size: d.Head.Size}
	d.Outcome = Merged
	if d.New.Hash == d.Base.Hash || d.New.Hash == d.Head.Hash {
		return d, nil
	}
	if d.Head.Hash == d.Base.Hash {
		d.Result.Hash, d.Result.Size = d.New.Hash, d.New.Size
		return d, nil
	}
	texts, tooBig, err := c.read(MaxMergeSize, d.Base, d.Head, d.New)
	if err != nil {
		return Decision{}, err
	}
	if tooBig {
		return c.conflict(d, fmt.Sprintf("files above %d bytes do not merge", MaxMergeSize)), nil
	}
	for _, t := range texts {
		if !isText(t) {
			return c.conflict(d, "it is not text"), nil
		}
	}
	merged, hunks, ok := MergeText(texts[0], texts[1], texts[2])
	if !ok {
		return c.conflict(d, hunksReason(hunks)), nil
	}
	return c.result(d, merged), nil
}

// mergedKind takes the side that changed the executable bit. There are two kinds of
// files, so both sides can only have changed it alike.
func mergedKind(d Decision) Kind {
	if d.Head.Kind == d.Base.Kind {
		return d.New.Kind
	}
	return d.Head.Kind
}

// append puts the author's tail behind the head.
func (c *commit) append(d Decision) (Decision, error) {
	switch {
	case d.Base.Kind == Link || d.Head.Kind == Link || d.New.Kind == Link:
		return c.conflict(d, "links are not appended to"), nil
	case d.Base.Absent() && d.Head.Kind != d.New.Kind:
		return c.conflict(d, "both added it, and only one as executable"), nil
	}
	texts, tooBig, err := c.read(MaxAppendSize, d.Base, d.Head, d.New)
	if err != nil {
		return Decision{}, err
	}
	if tooBig {
		return c.conflict(d, fmt.Sprintf("files above %d bytes are not appended to", MaxAppendSize)), nil
	}
	tail, ok := bytes.CutPrefix(texts[2], texts[0])
	if !ok {
		if d.Head == d.New {
			d.Outcome = Same
			return d, nil
		}
		return c.conflict(d, "you may only add at its end, and you changed what stood there"), nil
	}
	d.Outcome, d.Result = Merged, Entry{Kind: mergedKind(d), Hash: d.Head.Hash, Size: d.Head.Size}
	if d.Base.Absent() {
		d.Result.Kind = d.Head.Kind
	}
	if len(tail) == 0 {
		return d, nil
	}
	return c.result(d, appended(texts[1], tail)), nil
}

// appended joins head and tail so that two lines never become one.
func appended(head, tail []byte) []byte {
	out := bytes.Clone(head)
	open := len(head) > 0 && head[len(head)-1] != '\n'
	if open && !bytes.HasPrefix(tail, []byte("\n")) && !bytes.HasPrefix(tail, []byte("\r\n")) {
		out = append(out, '\n')
	}
	return append(out, tail...)
}

// result notes merged content, to be stored if the write set is applied.
func (c *commit) result(d Decision, data []byte) Decision {
	d.Outcome, d.Result.Hash, d.Result.Size = Merged, HashOf(data), int64(len(data))
	if c.merged == nil {
		c.merged = map[string][]byte{}
	}
	c.merged[d.Path] = data
	return d
}

// read returns the contents of entries; that of an absent one is empty.
func (c *commit) read(limit int64, entries ...Entry) (texts [][]byte, tooBig bool, err error) {
	for _, e := range entries {
		if e.Size > limit {
			return nil, true, nil
		}
	}
	for _, e := range entries {
		var data []byte
		if !e.Absent() {
			if data, err = c.blobs.Get(e.Hash); err != nil {
				return nil, false, fmt.Errorf("read a version: %w", err)
			}
		}
		if int64(len(data)) > limit { // the entry understates it
			return nil, true, nil
		}
		texts = append(texts, data)
	}
	return texts, false, nil
}
