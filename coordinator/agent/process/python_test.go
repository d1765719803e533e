package process

import (
	"os/exec"
	"strings"
)

// findPython returns the interpreter itself: version managers put scripts on the PATH.
func findPython() (string, error) {
	out, err := exec.Command("python3", "-c", "import os,sys; print(os.path.realpath(sys.executable))").Output()
	return strings.TrimSpace(string(out)), err
}
