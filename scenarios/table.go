package scenarios

// field is one key of an object: the row of a table from which both the strict
// loader and the JSON Schema are made.
type field[T any] struct {
	key      string
	about    string
	required bool
	// planned is the issue that brings the key; until then it is refused by name.
	planned string
	schema  schema
	load    func(l *loader, n *node, into *T)
	copy    func(into, from *T)
}

// f makes a row: where in T the value goes.
func f[T, V any](key, about string, k kind[V], into func(*T) *V) field[T] {
	return field[T]{
		key: key, about: about, schema: k.schema,
		load: func(l *loader, n *node, t *T) {
			if v, ok := k.read(l, n); ok {
				*into(t) = v
			}
		},
		copy: func(dst, src *T) { *into(dst) = *into(src) },
	}
}

// required marks a row.
func required[T any](row field[T]) field[T] {
	row.required = true
	return row
}

// planned is the row of a key that a later issue brings.
func planned[T any](key, issue string) field[T] { return field[T]{key: key, planned: issue} }

// table is an object's rows and its name in messages.
type table[T any] struct {
	name string
	rows []field[T]
}

func (t table[T]) keys() []string {
	var keys []string
	for _, row := range t.rows {
		keys = append(keys, row.key)
	}
	return keys
}

func (t table[T]) row(key string) *field[T] {
	for i := range t.rows {
		if t.rows[i].key == key {
			return &t.rows[i]
		}
	}
	return nil
}

// read fills into from a mapping, and returns where its keys stand.
func (t table[T]) read(l *loader, n *node, into *T) map[string]Pos {
	if n.kind != dictNode {
		l.add(n.pos, "%s: want a mapping, got %s", t.name, n.what())
		return nil
	}
	seen := map[string]Pos{}
	for _, e := range n.dict {
		switch row := t.row(e.key); {
		case row == nil:
			l.add(e.pos, "unknown key %q in %s%s", e.key, t.name, meant(e.key, t.keys()))
		case row.planned != "":
			l.add(e.pos, "%s: %s", e.key, notYet(row.planned))
		default:
			seen[e.key] = e.pos
			before := len(l.list)
			row.load(l, e.value, into)
			if _, top := any(into).(*Scenario); top && len(l.list) > before {
				l.bad[e.key] = true
			}
		}
	}
	for _, row := range t.rows {
		if row.required && n.get(row.key) == nil {
			l.add(n.pos, "%s has no %q; it is required", t.name, row.key)
		}
	}
	return seen
}

func notYet(issue string) string { return "not available yet (planned with " + issue + ")" }

// object is a mapping read by a table.
func object[T any](t table[T]) kind[*T] {
	return kind[*T]{
		read: func(l *loader, n *node) (*T, bool) {
			if n.kind == scalarNode && n.scalar == nil {
				l.add(n.pos, "%s: want a mapping, got nothing", t.name)
				return nil, false
			}
			out := new(T)
			if d, ok := any(out).(defaulted); ok {
				d.setDefaults()
			}
			seen := t.read(l, n, out)
			if k, ok := any(out).(keyed); ok {
				k.setKeys(n.pos, seen)
			}
			return out, seen != nil
		},
		schema: t.schema(),
	}
}

// defaulted is an object whose fields are not zero where the file has none.
type defaulted interface{ setDefaults() }

func (w *Workspace) setDefaults() { w.Mode, w.Atomic = "snapshot", true }

func (b *Batch) setDefaults() { b.Excluded, b.Keep = 0.05, "all" }

// keyed is an object that remembers where it stands and which keys it was given.
type keyed interface{ setKeys(Pos, map[string]Pos) }

// Given is embedded by objects that other ones may complete: it says which keys the
// file gives them.
type Given struct {
	pos  Pos
	keys map[string]Pos
}

func (g *Given) setKeys(pos Pos, keys map[string]Pos) { g.pos, g.keys = pos, keys }

// Pos returns where the object stands.
func (g *Given) Pos() Pos { return g.pos }

// Has reports whether the file gives the key.
func (g *Given) Has(key string) bool { _, ok := g.keys[key]; return ok }

// complete copies into dst what src has been given and dst has not.
func complete[T any](t table[T], dst, src *T, has func(*T, string) bool) {
	for _, row := range t.rows {
		if row.copy != nil && !has(dst, row.key) && has(src, row.key) {
			row.copy(dst, src)
		}
	}
}

// fill copies into dst whatever it has not been given, from a complete src.
func fill[T any](t table[T], dst, src *T, has func(*T, string) bool) {
	for _, row := range t.rows {
		if row.copy != nil && !has(dst, row.key) {
			row.copy(dst, src)
		}
	}
}
