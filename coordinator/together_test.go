package coordinator

import (
	"sync"
	"testing"
	"time"

	"github.com/sandtable/sandtable/results"
)

// Runs of one plan that are played at the same time change nothing of it: the race
// detector tells. Three metrics, because the loader's list has room for a fourth then.
func TestRunsTogether(t *testing.T) {
	t.Parallel()
	plan, err := setup{}.plan(folderOf(t, `
-- scenario.yaml --
sandtable: 1
name: together
seed: 1
replicates: 4
agents: [{name: a, script: a.star}]
turns: {max: 1}
metrics: {a: '${1}', b: '${1}', c: '${1}'}
outcomes: {x: '${1}'}
-- a.star --
def act():
    return "hi"
`))
	if err != nil {
		t.Fatal(err)
	}
	batch, err := results.CreateBatch(t.TempDir(), "together", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, run := range plan.Runs {
		info := results.RunInfo{Cell: run.Cell.ID, Replicate: run.Replicate, Seed: run.Seed, Status: results.Interrupted}
		dir, err := batch.CreateRun(info)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if _, err := Run(t.Context(), Options{Run: run, Dir: dir, Info: info, Sandbox: t.TempDir()}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
