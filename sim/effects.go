package sim

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/sandtable/sandtable/sim/tree"
)

func (e *effects) now() (*tree.Tree, tree.Blobs) { return e.tree, e.g.blobs }

// effects collects what Setup or Resolve does besides returning a state. It is used by
// one call and then applied; the stage's write sets are already in tree.
type effects struct {
	g     *game
	tree  *tree.Tree // the head with this call's writes
	start *tree.Tree // the head before them
	dice  map[string]*Dice
	draws []*Draw
	post  []worldLetter
	gone  []Elimination

	handed ResolveCtx
}

type worldLetter struct {
	to   []string
	text string
}

// newEffects returns empty effects. One call uses them at a time, and nobody after it.
func (g *game) newEffects() *effects {
	fx := &g.reuse.fx
	*fx = effects{g: g, tree: g.head, start: g.head}
	return fx
}

// ctx returns what Setup or Resolve is called with: files are read through the effects.
func (e *effects) ctx() *ResolveCtx {
	e.handed = ResolveCtx{Ctx: e.g.ctx(e), effects: e}
	return &e.handed
}

func (e *effects) read(path string) (string, bool, error) {
	return treeFiles{e.tree, e.g.blobs}.read(path)
}

func (e *effects) list(glob string) ([]string, error) {
	return treeFiles{e.tree, e.g.blobs}.list(glob)
}

// path names a stream of the world in the current stage (D2).
func (e *effects) path(name string) []string {
	return []string{"turn", strconv.Itoa(e.g.turn), "stage", strconv.Itoa(e.g.stage), "world", name}
}

func (e *effects) key(name string) [32]byte { return e.g.cfg.Streams.Key(e.path(name)...) }

func (e *effects) random(name string) *Dice {
	if d, ok := e.dice[name]; ok {
		return d
	}
	if e.dice == nil {
		e.dice = map[string]*Dice{}
	}
	d := NewDice(e.key(name), func(d Drawn) { e.note(name, d.Kind, d.Args, d.Result) })
	e.dice[name] = d
	return d
}

func (e *effects) drawn(name string, value any) { e.note(name, "external", nil, value) }

func (e *effects) note(name, kind string, args []any, result any) {
	e.g.res.Draws[name]++
	if e.g.cfg.Observer != nil {
		e.draws = append(e.draws, &Draw{
			Turn: e.g.turn, Stage: e.g.stage, Stream: streamName(e.path(name)), Kind: kind, Args: args, Result: result,
		})
	}
}

func (e *effects) write(path, text string) error {
	hash, err := e.g.blobs.Put([]byte(text))
	if err != nil {
		return err
	}
	kind := tree.File
	if old, ok := e.tree.Get(path); ok && old.Kind == tree.Exec {
		kind = tree.Exec // an executable stays one
	}
	return e.set(path, tree.Entry{Kind: kind, Hash: hash, Size: int64(len(text))})
}

func (e *effects) append(path, text string) error {
	old, _, err := e.read(path)
	if err != nil {
		return err
	}
	return e.write(path, old+text)
}

func (e *effects) remove(path string) error {
	if _, ok := e.tree.Get(path); !ok {
		return nil
	}
	return e.set(path, tree.Entry{})
}

// set is never in conflict: where agents have made a folder of the path, or a file of one
// above it, that goes, and the revision records it. Or anybody could stop the rules.
func (e *effects) set(path string, entry tree.Entry) error {
	changes := map[string]tree.Entry{path: entry}
	next, err := e.tree.With(changes)
	if clash := (*tree.ClashError)(nil); errors.As(err, &clash) {
		for _, at := range obstacles(e.tree, path) {
			changes[at] = tree.Entry{}
		}
		next, err = e.tree.With(changes)
	}
	if err == nil {
		e.tree = next
	}
	return err
}

func (e *effects) mail(seats any, text string) error {
	to, err := ResolveSeats(e.g.cfg.Seats, seats)
	if err == nil {
		e.post = append(e.post, worldLetter{to, text})
	}
	return err
}

func (e *effects) eliminate(name, reason string) error {
	st, ok := e.g.byName[name]
	if !ok {
		return fmt.Errorf("eliminate: there is no agent %q", name)
	}
	if st.status == Active || st.status == Inactive {
		e.gone = append(e.gone, Elimination{Agent: name, Reason: reason, Status: Done})
	}
	return nil
}

// flush records the draws, in the order in which they were made.
func (e *effects) flush() error {
	for _, d := range e.draws {
		if err := e.g.tell(d); err != nil {
			return err
		}
	}
	e.draws = nil
	return nil
}
