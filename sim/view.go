package sim

import "github.com/sandtable/sandtable/sim/tree"

// View is R(i-1), of which only what the seat may read is there. It is made when it is
// first asked for: many a strategy looks at no file.
func (a *Ask) View() *tree.Tree { return a.member.view() }

func (m *member) view() *tree.Tree { return m.st.view.filter(m.stage.head, m.read) }

// viewCache keeps the last filtered tree: most stages leave most of most views as they
// were.
type viewCache struct {
	head  *tree.Tree
	globs tree.Globs
	view  *tree.Tree
}

// filter returns what of head the globs let see.
func (c *viewCache) filter(head *tree.Tree, globs tree.Globs) *tree.Tree {
	if head == nil || head.Len() == 0 {
		return head
	}
	switch same := sameGlobs(c.globs, globs); {
	case same && c.head == head:
	case same && c.head != nil:
		*c = viewCache{head, globs, head.FilterAgain(c.head, c.view, globs.Match)}
	default:
		*c = viewCache{head, globs, head.Filter(globs.Match)}
	}
	return c.view
}

func sameGlobs(a, b tree.Globs) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
