package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/google/renameio/v2"

	"github.com/sandtable/sandtable/results/jsonl"
)

// Batch is a batch directory.
type Batch struct{ Dir string }

// Names in a batch directory.
const (
	batchFile    = "batch.json"
	cellFile     = "cell.json"
	summaryFile  = "summary.json"
	episodesFile = "episodes.jsonl"
)

// scenarioName is the form of a scenario's name: it becomes part of a path.
const scenarioName = `^[a-z][a-z0-9-]{0,31}$`

// CreateBatch makes a new batch directory <UTC time>-<name> in base, which is made if
// it is missing. It never takes a directory that is there: batches of one second get
// -2, -3 and so on.
func CreateBatch(base, name string, now time.Time) (*Batch, error) {
	if !regexp.MustCompile(scenarioName).MatchString(name) {
		return nil, fmt.Errorf("batch name %q: want a lower-case letter, then up to 31 of a-z, 0-9 and -", name)
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		return nil, err
	}
	stem := filepath.Join(base, now.UTC().Format("20060102T150405Z")+"-"+name)
	dir := stem
	for i := 2; ; i++ {
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			return &Batch{Dir: dir}, nil
		}
		if !errors.Is(err, fs.ErrExist) || i > maxSameSecond {
			return nil, err
		}
		dir = stem + "-" + strconv.Itoa(i)
	}
}

const maxSameSecond = 10_000

// OpenBatch names a batch directory that is there.
func OpenBatch(dir string) (*Batch, error) {
	_, err := os.Stat(filepath.Join(dir, batchFile))
	switch {
	case err == nil:
		return &Batch{Dir: dir}, nil
	case holds(dir, runFile):
		return nil, fmt.Errorf("%s is a run: name its batch, %s", dir, filepath.Join(dir, "..", ".."))
	}
	return nil, fmt.Errorf("%s is no batch directory: %w", dir, err)
}

func holds(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// CellID is the name of the i-th cell, from 1: c01.
func CellID(i int) string { return fmt.Sprintf("c%02d", i) }

// RunID is the name of a replicate, from 1: r001.
func RunID(replicate int) string { return fmt.Sprintf("r%03d", replicate) }

// WriteInfo writes batch.json and every cell's cell.json.
func (b *Batch) WriteInfo(info BatchInfo) error {
	info.Sandtable = Format
	for _, c := range info.Cells {
		if _, ok := ordinal('c', c.ID); !ok {
			return fmt.Errorf("cell id %q: want c and a number", c.ID)
		}
		if err := os.MkdirAll(b.CellDir(c.ID), 0o755); err != nil {
			return err
		}
		if err := replaceJSON(filepath.Join(b.CellDir(c.ID), cellFile), c); err != nil {
			return err
		}
	}
	return replaceJSON(filepath.Join(b.Dir, batchFile), info)
}

// Info reads batch.json.
func (b *Batch) Info() (BatchInfo, error) {
	var info BatchInfo
	err := readJSON(filepath.Join(b.Dir, batchFile), &info)
	if err == nil && info.Sandtable != Format {
		err = fmt.Errorf("%s: format %d: this program reads format %d", filepath.Join(b.Dir, batchFile), info.Sandtable, Format)
	}
	return info, err
}

// CellDir is the directory of a cell.
func (b *Batch) CellDir(cell string) string { return filepath.Join(b.Dir, cell) }

// RunDir is the directory of a run.
func (b *Batch) RunDir(cell string, replicate int) string {
	return filepath.Join(b.CellDir(cell), RunID(replicate))
}

// Summary is the path of summary.json.
func (b *Batch) Summary() string { return filepath.Join(b.Dir, summaryFile) }

// Episodes opens a cell's episodes.jsonl for appending [Episode] records.
func (b *Batch) Episodes(cell string) (*jsonl.Writer, error) {
	return jsonl.Open(filepath.Join(b.CellDir(cell), episodesFile), jsonl.Options{})
}

// CreateRun makes the directory of a run, which may not be there, and writes its
// run.json with status interrupted: until the run says otherwise, that is what it is.
func (b *Batch) CreateRun(info RunInfo) (*Run, error) {
	if _, ok := ordinal('c', info.Cell); !ok || info.Replicate < 1 {
		return nil, fmt.Errorf("run %q/%d: want a cell such as c01 and a replicate from 1", info.Cell, info.Replicate)
	}
	run := &Run{Dir: b.RunDir(info.Cell, info.Replicate)}
	if err := os.MkdirAll(filepath.Dir(run.Dir), 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(run.Dir, 0o755); err != nil {
		return nil, err
	}
	info.Status = Interrupted
	return run, run.WriteInfo(info)
}

// ordinal reads the number of a name such as c01 or r0123.
func ordinal(letter byte, name string) (int, bool) {
	if len(name) < 2 || name[0] != letter {
		return 0, false
	}
	n, err := strconv.Atoi(name[1:])
	return n, err == nil && n > 0 && (name == CellID(n) || name == RunID(n))
}

// replaceJSON writes v as indented JSON to a temporary name, syncs and renames.
func replaceJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return renameio.WriteFile(path, append(text, '\n'), 0o644)
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
