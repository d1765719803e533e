package workspace

import (
	"fmt"
	"strings"

	"github.com/sandtable/sandtable/sim/tree"
)

// Conflict tells the view's agent what became of its write set: for each path that was
// not taken, base, theirs, yours and the difference are laid out under
// .sandtable/conflicts/<turn>/, and a notice for the next prompt says what happened,
// where to find both versions and what to do. Paths that were merged with someone
// else's change get a notice alone. read says what the agent may see: of other paths
// only its own bytes are laid out.
//
// Notices hold paths relative to the view and depend on the decisions alone. Call it
// after Refresh, so that the view shows the head's version.
func (v *View) Conflict(turn int, read tree.Globs, decisions []tree.Decision) ([]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var notices []string
	for _, d := range decisions {
		switch {
		case d.Outcome == tree.Merged:
			notices = append(notices, mergedNotice(d))
		case d.Lost():
			where, err := v.layOut(turn, d.Path, v.versions(d, read.Match(d.Path)))
			if err != nil {
				return notices, err
			}
			notices = append(notices, lostNotice(d, where))
		}
	}
	return notices, nil
}

// Uncommitted tells the view's agent that a write set was not taken as a whole, and why
// ("your move was illegal"); it journals the write set as rejected and lays the bytes
// out as [View.Conflict] does.
func (v *View) Uncommitted(turn int, why string, ws tree.WriteSet) ([]string, error) {
	if err := v.w.reject(v.agent, turn, why, ws); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var notices []string
	for _, c := range ws {
		where, err := v.layOut(turn, c.Path, []version{{"yours", c.New}, {"base", c.Base}})
		if err != nil {
			return notices, err
		}
		notices = append(notices, fmt.Sprintf("Your change to %s was not taken: %s. In your folder it now is as the workspace has it. %s",
			showPath(c.Path), why, where.text(c.Path, c.New.Absent())))
	}
	return notices, nil
}

func mergedNotice(d tree.Decision) string {
	return fmt.Sprintf("Your change to %s was merged with a change by %s. Read the file again before you edit it.",
		showPath(d.Path), whoWon(d))
}

func whoWon(d tree.Decision) string {
	switch d.Winner {
	case "":
		return "someone else"
	case "@world":
		return "the world"
	case foreignAuthor, "@intervention":
		return "someone outside the run"
	}
	return d.Winner
}

func lostNotice(d tree.Decision, where laidOut) string {
	now := "In your folder it now is as the workspace has it."
	if d.Head.Absent() {
		now = "The workspace has no such file now."
	}
	return fmt.Sprintf("Your change to %s was not taken: %s. %s %s", showPath(d.Path), whyLost(d), now, where.text(d.Path, d.New.Absent()))
}

func whyLost(d tree.Decision) string {
	switch {
	case d.Outcome == tree.Withheld:
		return "by itself it was fine, but it was handed in together with a change that was refused, and they are taken together or not at all"
	case d.Head == d.Base && d.Reason != "": // nobody changed it: a rule, or a folder in its place
		return d.Reason
	case d.Head.Absent() && !d.Base.Absent():
		return whoWon(d) + " deleted the file first"
	case !d.Head.Absent() && d.Base.Absent():
		return whoWon(d) + " created a file of that name first"
	case d.New.Absent():
		return whoWon(d) + " changed the file that you deleted"
	case d.Outcome == tree.Conflict:
		return whoWon(d) + " changed the same part of the file first"
	}
	return whoWon(d) + " changed the file first"
}

// text says where the versions are and what to do.
func (w laidOut) text(path string, deleted bool) string {
	var parts []string
	say := func(what, where string) {
		if where != "" {
			parts = append(parts, what+": "+showPath(where)+".")
		}
	}
	if deleted {
		parts = append(parts, "You had deleted it.")
	}
	say("Your version", w.yours)
	say("The workspace's version when yours was refused", w.theirs)
	say("What you started from", w.base)
	if w.theirs != "" {
		say("The difference from the workspace's version to yours", w.diff)
	} else {
		say("What you changed", w.diff)
	}
	parts = append(parts, w.omitted...)
	todo := "If your change is still wanted, make it again in " + showPath(path) + "."
	if deleted {
		todo = "If it should still go, delete it again."
	}
	return strings.Join(append(parts, todo), " ")
}
