package main

import (
	"runtime/debug"
	"testing"
)

// What is written into a batch names the sources: the linker's word, else the revision.
func TestVersion(t *testing.T) {
	for _, c := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "dev"},
		{&debug.BuildInfo{}, "dev"},
		{&debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "dev"},
		{&debug.BuildInfo{Main: debug.Module{Version: "v0.1.0-0.20261128-0123456789ab+dirty"}}, "v0.1.0-0.20261128-0123456789ab+dirty"},
	} {
		if got := versionOf(c.info); got != c.want {
			t.Errorf("%+v: %q, want %q", c.info, got, c.want)
		}
	}
}
