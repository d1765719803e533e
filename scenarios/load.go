package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// FileName is what a scenario's file is called in its folder.
const FileName = "scenario.yaml"

// LoadOptions change how a scenario is loaded.
type LoadOptions struct {
	Sets []Set // from [ParseSet]
}

// Load reads a scenario: path names its folder or its file. It checks everything that
// can be known before a run, in every cell of the matrix. The error is an *[Errors]
// with all faults.
func Load(path string, opts LoadOptions) (*Scenario, error) {
	var c collector
	file, err := scenarioFile(path)
	if err != nil {
		c.addErr(Pos{File: path}, err)
		return nil, c.err(path)
	}
	data, err := readMain(file)
	if err != nil {
		c.addErr(Pos{File: file}, err)
		return nil, c.err(file)
	}
	files, err := openFiles(filepath.Dir(file))
	if err != nil {
		c.addErr(Pos{File: file}, fmt.Errorf("its folder cannot be read: %w", err))
		return nil, c.err(file)
	}
	return load(file, data, files, opts)
}

func scenarioFile(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("no such file or folder; a scenario is a folder with a " + FileName)
	case err != nil:
		return "", err
	case !info.IsDir():
		return path, nil
	}
	file := filepath.Join(path, FileName)
	if _, err := os.Stat(file); err != nil {
		return "", errors.New("no " + FileName + " in this folder")
	}
	return file, nil
}

func readMain(file string) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a file")
	case info.Size() > maxFileBytes:
		return nil, fmt.Errorf("%d bytes; the most is %d", info.Size(), maxFileBytes)
	}
	return os.ReadFile(file)
}

// load does Load's work on bytes.
func load(file string, data []byte, files *Files, opts LoadOptions) (*Scenario, error) {
	l := &loader{files: files, bad: map[string]bool{}}
	root := parseYAML(file, data, &l.collector)
	if root == nil {
		return nil, l.err(file)
	}
	if root.kind != dictNode {
		l.add(root.pos, "want a mapping with the keys of a scenario, got %s", root.what())
		return nil, l.err(file)
	}
	l.applyFields(root, opts.Sets)
	s := &Scenario{Path: file, Dir: filepath.Dir(file), Files: files, sets: opts.Sets}
	s.setKeys(root.pos, scenarioTable().read(l, root, s))
	l.applyParams(s, opts.Sets)
	l.independent(s)
	if s.Turns != nil {
		s.complete()
		l.crossCheck(s)
		l.rehearse(s)
	}
	if err := l.err(file); err != nil {
		return nil, err
	}
	s.Digest = digest(file, data, files, opts.Sets)
	return s, nil
}

// rehearse expands the scenario, so that what only the cells show is reported with
// the rest. Where what makes the cells has faults, more would only mislead.
func (l *loader) rehearse(s *Scenario) {
	for _, key := range []string{"params", "matrix", "players", "agents"} {
		if l.bad[key] {
			return
		}
	}
	if len(s.Agents) == 0 {
		return
	}
	one, seed := 1, uint64(0)
	if _, err := s.Expand(ExpandOptions{Replicates: &one, Seed: &seed}); err != nil {
		l.addErr(Pos{File: s.Path}, err)
	}
}

// digest covers the file, the folder, and what --set changed.
func digest(file string, data []byte, files *Files, sets []Set) string {
	h := sha256.New()
	sum := sha256.Sum256(data)
	fmt.Fprintf(h, "sandtable 1\n%s %x\n%s\n", filepath.Base(file), sum, files.Digest())
	for _, set := range sets {
		fmt.Fprintf(h, "%d:%s\n", len(set.Text), set.Text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// complete fills in the format's defaults.
func (s *Scenario) complete() {
	if s.Replicates == 0 {
		s.Replicates = 1
	}
	if s.Workspace == nil {
		s.Workspace = &Workspace{}
		s.Workspace.setDefaults()
	}
	if s.Batch == nil {
		s.Batch = &Batch{}
		s.Batch.setDefaults()
	}
	if s.Limits == nil {
		s.Limits = &Limits{}
	}
	if s.Failures == nil {
		s.Failures = &Failures{}
	}
	fill(failuresTable(), s.Failures, defaultFailures(), (*Failures).Has)
	for _, p := range s.Turns.Phases {
		if p.Failures == nil {
			p.Failures = s.Failures
		} else {
			fill(failuresTable(), p.Failures, s.Failures, (*Failures).Has)
		}
	}
}
