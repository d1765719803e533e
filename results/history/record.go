package history

// Schema is the version of the format. A reader refuses others by name.
const Schema = 1

// Kind names a record.
type Kind string

// The kinds.
const (
	KindRun      Kind = "run"
	KindTurn     Kind = "turn"
	KindPhase    Kind = "phase"
	KindDraw     Kind = "draw"
	KindStage    Kind = "stage"
	KindSeal     Kind = "seal"
	KindRevision Kind = "revision"
	KindMetrics  Kind = "metrics"
	KindEnd      Kind = "end"
)

// Record is one of the pointer types below. Fields stand in the order of their JSON
// names, at every depth: that makes the encoding canonical. Whoever writes a record
// may not change it afterwards.
type Record interface{ Kind() Kind }

// Run is the first record: who may play, with what, from which tree.
type Run struct {
	Files     []File `json:"files,omitempty"` // revision 0, sorted by path
	Params    Value  `json:"params"`          // of the cell
	Replicate int    `json:"replicate"`       // from 1
	Root      Hash   `json:"root,omitempty"`  // of revision 0's tree
	Schema    int    `json:"schema"`          // set by the writer if 0
	Seats     []Seat `json:"seats"`           // all possible seats, in seat order
	Seed      uint64 `json:"seed,string"`     // a text, for readers whose numbers end at 2^53
}

// File is one path of a tree.
type File struct {
	Entry Entry  `json:"entry"`
	Path  string `json:"path"`
}

// Entry is what a path holds. A nil *Entry, or a missing one, means: nothing.
type Entry struct {
	Hash Hash   `json:"hash"`
	Kind string `json:"kind"` // file, exec or link
	Size int64  `json:"size"` // bytes
}

// Seat is a fixed place in the run.
type Seat struct {
	Entry  string `json:"entry,omitempty"`
	Focal  bool   `json:"focal"`
	Index  int    `json:"index,omitempty"` // within its entry, from 1
	Name   string `json:"name"`
	Player string `json:"player,omitempty"`
	Role   string `json:"role,omitempty"`
	Vars   Value  `json:"vars,omitzero"`
}

// Turn opens a turn.
type Turn struct {
	Joined []string `json:"joined,omitempty"`
	Left   []string `json:"left,omitempty"`
	Live   []string `json:"live"`
	Turn   int      `json:"turn"`
}

// Phase is the partition of one lap of a phase, fixed before its first stage opens.
type Phase struct {
	Lap     int        `json:"lap"`
	Order   string     `json:"order,omitempty"`
	Phase   string     `json:"phase"`
	Skipped bool       `json:"skipped,omitempty"`
	Stages  [][]string `json:"stages,omitempty"`
	Turn    int        `json:"turn"`
}

// Draw is one act of chance.
type Draw struct {
	Args   []Value `json:"args,omitempty"`
	Draw   string  `json:"draw"` // int, float, choice, weighted, shuffle, sample, permutation, external
	Result Value   `json:"result"`
	Stage  int     `json:"stage"`
	Stream string  `json:"stream"`
	Turn   int     `json:"turn"`
}

// Stage opens a stage: nobody has acted yet.
type Stage struct {
	Canonical []string `json:"canonical"` // the order in which results will be applied
	Lap       int      `json:"lap"`
	Members   []string `json:"members"` // in seat order
	Phase     string   `json:"phase"`
	Stage     int      `json:"stage"`
	Turn      int      `json:"turn"`
}

// Seal holds the results of a stage in canonical order.
type Seal struct {
	Empty   bool     `json:"empty,omitempty"` // nobody was live
	Results []Result `json:"results,omitempty"`
	Stage   int      `json:"stage"`
	Turn    int      `json:"turn"`
}

// Result is what one member of a stage handed in.
type Result struct {
	Action      Value     `json:"action,omitzero"`
	Agent       string    `json:"agent"`
	Attempts    []Attempt `json:"attempts,omitempty"`
	Category    string    `json:"category,omitempty"` // of the last failure; "": none
	Forfeit     bool      `json:"forfeit,omitempty"`
	Mail        []Letter  `json:"mail,omitempty"`
	Memory      Value     `json:"memory,omitzero"` // what a script keeps between its acts
	Say         string    `json:"say,omitempty"`
	Status      string    `json:"status"`                // committed, passed, invalid, timeout, crashed
	Substituted bool      `json:"substituted,omitempty"` // the action is the phase's default, not a choice
	Writes      []Change  `json:"writes,omitempty"`      // as handed in, sorted by path
}

// Attempt is one attempt of a member. Failure is nil where it succeeded.
type Attempt struct {
	Failure     *Failure `json:"failure,omitempty"`
	Observation Hash     `json:"observation,omitempty"` // of its canonical JSON
	Prompt      Hash     `json:"prompt,omitempty"`      // of its text, before paths are put in
}

// Failure is why an attempt failed.
type Failure struct {
	Category string `json:"category"` // TRANSPORT CRASH TIMEOUT TRUNCATED EMPTY UNPARSABLE ILLEGAL BUDGET
	Text     string `json:"text"`
}

// Letter is mail as it was handed in: To is a name or a list.
type Letter struct {
	Text string `json:"text"`
	To   Value  `json:"to"`
}

// Change is one path of a write set.
type Change struct {
	Base *Entry `json:"base,omitempty"` // what the author had been given
	New  *Entry `json:"new,omitempty"`  // what the author wants
	Path string `json:"path"`
}

// Revision is a new state of everything shared, whole.
type Revision struct {
	Author     string        `json:"author,omitempty"` // "" for a stage; @setup, @intervention, @foreign
	Deliveries []Delivery    `json:"deliveries,omitempty"`
	Eliminated []Elimination `json:"eliminated,omitempty"`
	Revision   int           `json:"revision"`
	Root       Hash          `json:"root"` // of the tree
	Stage      int           `json:"stage"`
	State      Hash          `json:"state"` // of the world's state, canonical JSON
	Turn       int           `json:"turn"`
	WriteSets  []WriteSet    `json:"write_sets,omitempty"` // in the order in which they were decided
}

// WriteSet is one author's write set, taken into the head or not.
type WriteSet struct {
	Applied   bool       `json:"applied"`
	Author    string     `json:"author"` // a seat, @world, @intervention, @foreign
	Decisions []Decision `json:"decisions,omitempty"`
}

// The outcomes of a [Decision].
const (
	Applied    = "applied"    // the head had not changed: fast-forward
	Same       = "same"       // the head already held exactly this
	Merged     = "merged"     // both changes are in the result
	Superseded = "superseded" // the head's bytes were displaced
	Kept       = "kept"       // the head's bytes stayed
	Stale      = "stale"      // rejected: the head had changed
	Conflict   = "conflict"   // rejected: the changes do not merge
	Withheld   = "withheld"   // fine by itself, not taken because its write set was not
)

// Decision is what became of one path of a write set.
type Decision struct {
	Base    *Entry `json:"base,omitempty"` // what the author had been given
	Head    *Entry `json:"head,omitempty"` // what the head held when it was decided
	New     *Entry `json:"new,omitempty"`  // what the author wanted
	Outcome string `json:"outcome"`
	Path    string `json:"path"`
	Policy  string `json:"policy,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Result  *Entry `json:"result,omitempty"` // what the head holds afterwards
	Winner  string `json:"winner,omitempty"` // who wrote what the head held after the base
}

// Lost reports whether the author's bytes are not, or not wholly, in the head.
func (d Decision) Lost() bool {
	switch d.Outcome {
	case Kept, Stale, Conflict, Withheld:
		return true
	}
	return false
}

// Contended reports whether the path met another's change and was not simply taken or
// cleanly merged. A withheld path did not: another path of its write set did.
func (d Decision) Contended() bool {
	switch d.Outcome {
	case Superseded, Kept, Stale, Conflict:
		return true
	}
	return false
}

// Delivery is one letter at publish.
type Delivery struct {
	ID       int64    `json:"id"`
	Returned string   `json:"returned,omitempty"` // why it came back to its sender
	Sender   string   `json:"sender"`
	Text     string   `json:"text"`
	To       []string `json:"to,omitempty"`
}

// Elimination is a seat that leaves the game.
type Elimination struct {
	Agent  string `json:"agent"`
	Final  Value  `json:"final,omitzero"` // its last observation
	Reason string `json:"reason"`
	Status string `json:"status"`
}

// Metrics holds the metrics after a turn.
type Metrics struct {
	Turn   int          `json:"turn"`
	Values []NamedValue `json:"values,omitempty"`
}

// NamedValue is a metric or an outcome. Null: undefined.
type NamedValue struct {
	Name  string `json:"name"`
	Value Value  `json:"value"`
}

// End is the last record.
type End struct {
	Commits    int               `json:"commits"`
	Conflicts  int               `json:"conflicts"`
	Draws      map[string]int    `json:"draws,omitempty"` // by stream name
	Failures   []SeatFailure     `json:"failures,omitempty"`
	Moves      int               `json:"moves"`
	Outcomes   []NamedValue      `json:"outcomes,omitempty"`
	Reason     string            `json:"reason"`
	Revisions  int               `json:"revisions"`
	Scores     map[string]Number `json:"scores,omitempty"`
	Stages     int               `json:"stages"`
	Statuses   map[string]string `json:"statuses,omitempty"` // of the seats
	Terminated bool              `json:"terminated"`
	Truncated  bool              `json:"truncated"`
	Turns      int               `json:"turns"`
	Void       bool              `json:"void"`
}

// SeatFailure is one failed attempt.
type SeatFailure struct {
	Agent    string `json:"agent"`
	Attempt  int    `json:"attempt"`
	Category string `json:"category"`
	Stage    int    `json:"stage"`
	Text     string `json:"text"`
	Turn     int    `json:"turn"`
}

// Kind names the record.
func (*Run) Kind() Kind { return KindRun }

// Kind names the record.
func (*Turn) Kind() Kind { return KindTurn }

// Kind names the record.
func (*Phase) Kind() Kind { return KindPhase }

// Kind names the record.
func (*Draw) Kind() Kind { return KindDraw }

// Kind names the record.
func (*Stage) Kind() Kind { return KindStage }

// Kind names the record.
func (*Seal) Kind() Kind { return KindSeal }

// Kind names the record.
func (*Revision) Kind() Kind { return KindRevision }

// Kind names the record.
func (*Metrics) Kind() Kind { return KindMetrics }

// Kind names the record.
func (*End) Kind() Kind { return KindEnd }

// blank returns an empty record of a kind, or nil for one that this version does not
// know.
func blank(kind Kind) Record {
	switch kind {
	case KindRun:
		return &Run{}
	case KindTurn:
		return &Turn{}
	case KindPhase:
		return &Phase{}
	case KindDraw:
		return &Draw{}
	case KindStage:
		return &Stage{}
	case KindSeal:
		return &Seal{}
	case KindRevision:
		return &Revision{}
	case KindMetrics:
		return &Metrics{}
	case KindEnd:
		return &End{}
	}
	return nil
}
