package tree

import "fmt"

// Limits of what is merged, in bytes of one version. A version above them that cannot
// be taken as it is conflicts.
const (
	MaxMergeSize  = 8 << 20  // merge3: it is split into lines
	MaxAppendSize = 64 << 20 // append: it is only copied
)

// Commit takes an author's write set into head under pol and returns the new head,
// a decision for every path in order, and whether the set was applied.
//
// A path whose head still is the change's base is fast-forwarded (Applied), and one
// that already holds what the author wants is Same. The rest is stale, and its policy
// decides:
//
//   - merge3 merges files by lines ([MergeText]) and their executable bits. Two
//     additions, a deletion against a change, links, and content with NUL bytes or
//     above [MaxMergeSize] conflict.
//   - append puts the tail that the author added behind the head's content, also where
//     another author added the same. New content that does not start with the base
//     conflicts; an absent base is empty. If the head does not end in a newline and
//     the tail does not start with one, a newline goes between them, so that two lines
//     never become one; nothing else is ever added.
//   - reject-stale, fww and lww decide without looking: Stale, Kept, Superseded.
//
// A path that the head has as a directory, or below a file, conflicts under every
// policy, unless the same write set deletes what is in its way.
//
// Where a decision is lost ([Decision.Lost]), an atomic set is not applied: the head
// stays, and its other decisions become Withheld. Path by path, the rest is applied.
//
// owner names who last wrote (or deleted) a path in the head, for Winner and Reason;
// nil knows nobody. Merged content is put into blobs only if it enters the head.
//
// An error means that nothing was decided: the write set is not valid, a policy is
// unknown, or blobs failed.
func Commit(head *Tree, author string, ws WriteSet, pol Policies, blobs Blobs, owner func(path string) string) (
	*Tree, []Decision, bool, error) {
	if err := ws.Validate(); err != nil {
		return nil, nil, false, fmt.Errorf("commit of %s: %w", author, err)
	}
	c := &commit{head: head, author: author, pol: pol, blobs: blobs, owner: owner}
	next, applied, err := c.run(ws)
	if err != nil {
		return nil, nil, false, fmt.Errorf("commit of %s: %w", author, err)
	}
	return next, c.decisions, applied, nil
}

// commit is one call of [Commit].
type commit struct {
	head      *Tree
	author    string
	pol       Policies
	blobs     Blobs
	owner     func(string) string
	decisions []Decision
	merged    map[string][]byte // content by path that is not in blobs yet
}

func (c *commit) run(ws WriteSet) (*Tree, bool, error) {
	for _, change := range ws {
		d, err := c.decide(change)
		if err != nil {
			return nil, false, fmt.Errorf("path %s: %w", shown(change.Path), err)
		}
		c.decisions = append(c.decisions, d)
	}
	c.clashes()
	if lost := firstLost(c.decisions); lost >= 0 && !c.pol.PathByPath {
		c.withhold(c.decisions[lost].Path)
		return c.head, false, nil
	}
	next, err := c.apply()
	return next, true, err
}

// decide judges one path by itself.
func (c *commit) decide(change Change) (Decision, error) {
	policy, err := c.pol.For(change.Path)
	if err == nil {
		err = policy.check()
	}
	if err != nil {
		return Decision{}, err
	}
	head, _ := c.head.Get(change.Path)
	d := Decision{Path: change.Path, Policy: policy, Base: change.Base, Head: head, New: change.New, Result: head}
	if head == change.Base {
		d.Outcome, d.Result = Applied, change.New
		return d, nil
	}
	d.Winner = c.ownerOf(change.Path)
	return c.stale(d)
}

// clashes turns additions that the head has no room for into conflicts. It comes after
// the single decisions, as a deletion in the same set may make room. One pass is
// enough: a conflict only takes an addition away, never a deletion.
func (c *commit) clashes() {
	deleted := map[string]bool{}
	for _, d := range c.decisions {
		if !d.Lost() && d.Result.Absent() {
			deleted[d.Path] = true
		}
	}
	for i := range c.decisions {
		d := &c.decisions[i]
		if d.New.Absent() || !d.Head.Absent() {
			continue
		}
		if at, ok := c.inTheWay(d.Path, deleted); ok {
			d.Outcome, d.Result, d.Winner = Conflict, d.Head, c.ownerOf(at)
			d.Reason = c.clashReason(*d, at)
		}
	}
}

// inTheWay returns a file of the head above or below path that is not deleted.
func (c *commit) inTheWay(path string, deleted map[string]bool) (string, bool) {
	for i := 1; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		if _, ok := c.head.Get(path[:i]); ok {
			return path[:i], !deleted[path[:i]]
		}
	}
	for below := range c.head.sub(path).All() {
		if at := path + "/" + below; !deleted[at] {
			return at, true
		}
	}
	return "", false
}

func firstLost(decisions []Decision) int {
	for i, d := range decisions {
		if d.Lost() {
			return i
		}
	}
	return -1
}

// withhold takes back what was not lost, because path was.
func (c *commit) withhold(path string) {
	for i := range c.decisions {
		if d := &c.decisions[i]; !d.Lost() {
			d.Outcome, d.Result = Withheld, d.Head
			d.Reason = withheldReason(d.Path, path)
		}
	}
}

// apply stores merged content and changes the head.
func (c *commit) apply() (*Tree, error) {
	changes := make(map[string]Entry, len(c.decisions))
	for _, d := range c.decisions {
		if d.Lost() {
			continue
		}
		if data, ok := c.merged[d.Path]; ok {
			if _, err := c.blobs.Put(data); err != nil {
				return nil, fmt.Errorf("path %s: store merged content: %w", shown(d.Path), err)
			}
		}
		changes[d.Path] = d.Result
	}
	return c.head.With(changes)
}

func (c *commit) ownerOf(path string) string {
	if c.owner == nil {
		return ""
	}
	return c.owner(path)
}
