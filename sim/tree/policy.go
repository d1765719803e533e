package tree

// Policy names how a stale write is resolved. Mechanics: design section 5.
type Policy string

// The policies of snapshot mode. The zero value is not one of them.
const (
	Merge3      Policy = "merge3"       // three-way text merge; what does not merge is rejected
	RejectStale Policy = "reject-stale" // the later write set is rejected
	Append      Policy = "append"       // added tails are put one behind the other
	FWW         Policy = "fww"          // the first commit stays
	LWW         Policy = "lww"          // the last one wins; displaced bytes are counted
)

// Rule gives a policy to the paths that match a glob.
type Rule struct {
	Path string
	Use  Policy
}

// Policies is how write sets enter the head: the first rule whose glob matches
// decides, else Default (the zero value: merge3).
type Policies struct {
	Rules   []Rule
	Default Policy
	// PathByPath takes what can be taken of a write set; false: whole or not at all.
	PathByPath bool
}

// Outcome is what became of one path of a write set. The zero value is invalid.
type Outcome string

// The outcomes of a [Decision].
const (
	Applied    Outcome = "applied"    // the head had not changed: fast-forward
	Same       Outcome = "same"       // the head already holds exactly this (reject-stale: stale all the same)
	Merged     Outcome = "merged"     // both changes are in the result
	Superseded Outcome = "superseded" // lww: the head's bytes were displaced, and counted
	Kept       Outcome = "kept"       // fww: the head's bytes stay
	Stale      Outcome = "stale"      // reject-stale: rejected
	Conflict   Outcome = "conflict"   // a merge that fails: rejected
	Withheld   Outcome = "withheld"   // fine by itself, not taken because its write set was not
)

// Decision is what became of one path, and everything needed to judge it again.
type Decision struct {
	Path    string  `json:"path"`
	Policy  Policy  `json:"policy"`
	Outcome Outcome `json:"outcome"`
	Base    Entry   `json:"base"`   // what the author had been given
	Head    Entry   `json:"head"`   // what the head held when it was decided
	New     Entry   `json:"new"`    // what the author wanted
	Result  Entry   `json:"result"` // what the head holds afterwards
	// Winner is who wrote what the head held, where that was after the base.
	Winner string `json:"winner,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Lost reports whether the author's bytes are not, or not wholly, in the head.
func (d Decision) Lost() bool {
	switch d.Outcome {
	case Kept, Stale, Conflict, Withheld:
		return true
	}
	return false
}
