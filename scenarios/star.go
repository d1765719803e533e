package scenarios

import (
	"errors"
	"path"

	"go.starlark.net/syntax"
)

// star checks that a Starlark file of the folder, and what it loads, parses, and that
// it has the functions. Running it is the business of whoever plays the world.
func (l *loader) star(file string, pos Pos, functions ...string) {
	if l.files == nil {
		return
	}
	names := l.parseStar(file, pos, map[string]bool{})
	if names == nil {
		return
	}
	for _, fn := range functions {
		if !names[fn] {
			var all []string
			for name := range names {
				all = append(all, name)
			}
			l.add(pos, "%s has no function %s%s", file, fn, meant(fn, all))
		}
	}
}

// parseStar returns the names that a file defines, or nil if it does not parse.
func (l *loader) parseStar(file string, pos Pos, seen map[string]bool) map[string]bool {
	seen[file] = true
	data, err := l.files.Read(file)
	if err != nil {
		l.addErr(pos, err)
		return nil
	}
	if !readable(l.files.Name(file), data, &l.collector) {
		return nil
	}
	options := &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}
	tree, err := options.Parse(l.files.Name(file), data, 0)
	if err != nil {
		l.addErr(pos, starError(err))
		return nil
	}
	names := map[string]bool{}
	for _, stmt := range tree.Stmts {
		l.defines(stmt, file, seen, names)
	}
	return names
}

func starError(err error) error {
	if e, ok := errors.AsType[syntax.Error](err); ok {
		return &Error{Pos: Pos{e.Pos.Filename(), int(e.Pos.Line), int(e.Pos.Col)}, Msg: e.Msg}
	}
	return err
}

func (l *loader) defines(stmt syntax.Stmt, file string, seen, names map[string]bool) {
	switch s := stmt.(type) {
	case *syntax.DefStmt:
		names[s.Name.Name] = true
	case *syntax.AssignStmt:
		if id, ok := s.LHS.(*syntax.Ident); ok {
			names[id.Name] = true
		}
	case *syntax.IfStmt, *syntax.ForStmt, *syntax.WhileStmt:
		syntax.Walk(s, func(n syntax.Node) bool {
			if def, ok := n.(*syntax.DefStmt); ok {
				names[def.Name.Name] = true
			}
			return true
		})
	case *syntax.LoadStmt:
		for _, to := range s.To {
			names[to.Name] = true
		}
		l.loads(s, file, seen)
	}
}

// loads follows a load statement; its path is relative to the loading file's folder.
func (l *loader) loads(s *syntax.LoadStmt, file string, seen map[string]bool) {
	module, _ := s.Module.Value.(string)
	target := path.Join(path.Dir(file), module)
	at := s.Module.TokenPos
	pos := Pos{at.Filename(), int(at.Line), int(at.Col)}
	if err := CheckPath(target); err != nil || path.IsAbs(module) {
		l.add(pos, "load(%q) leads out of the scenario's folder", module)
		return
	}
	if !seen[target] {
		l.parseStar(target, pos, seen)
	}
}

// knownCalls checks calls with a literal argument: files that must be there, metrics
// that must have been declared.
func (l *loader) knownCalls(s *Scenario) {
	for _, u := range l.uses {
		if u.at == AtLoad {
			continue // evaluated by the rehearsal
		}
		switch u.call.Fn {
		case "data", "text":
			if err := l.knownFile(u.call.Arg); err != nil {
				l.add(u.pos, "%s: %v", u.call.Fn, err)
			}
		case "series":
			if find(s.Metrics, u.call.Arg) == nil {
				l.add(u.pos, "no metric %q%s", u.call.Arg, meant(u.call.Arg, namesOf(s.Metrics)))
			}
		}
	}
}

func (l *loader) knownFile(name string) error {
	if err := CheckPath(name); err != nil {
		return err
	}
	_, err := l.files.Read(name)
	return err
}
