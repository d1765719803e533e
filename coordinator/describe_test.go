package coordinator

import (
	"strings"
	"testing"
)

// run.json holds the run as it was started (design, section 7).
func TestRunSpec(t *testing.T) {
	t.Parallel()
	p := completed(t, folderOf(t, strings.Replace(scripted, "seed: 1", "seed: 1\nparams: {n: 5}", 1)), setup{sets: []string{"turns.max=3"}})
	var got struct {
		Name, Scenario, Upstream, Sandbox string
		Params                            map[string]any
		Turns                             int
	}
	decode(t, p.info.Spec, &got)
	if got.Name != "small" || len(got.Scenario) != 64 || got.Upstream != "scripted" || got.Turns != 3 || got.Params["n"] != 5.0 ||
		!strings.HasPrefix(got.Sandbox, p.sandbox+"/") {
		t.Errorf("%s", p.info.Spec)
	}
}
