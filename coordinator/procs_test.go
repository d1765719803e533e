package coordinator

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// traces names the processes, ours apart, that have a text in command line, environment
// or working directory.
func traces(marker string) []string {
	var out []string
	list, _ := os.ReadDir("/proc")
	for _, e := range list {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() || dead(pid) {
			continue
		}
		dir := "/proc/" + e.Name()
		argv, _ := os.ReadFile(dir + "/cmdline")
		env, _ := os.ReadFile(dir + "/environ")
		cwd, _ := os.Readlink(dir + "/cwd")
		if strings.Contains(string(argv)+"\n"+string(env)+"\n"+cwd, marker) {
			out = append(out, fmt.Sprintf("%d %q", pid, strings.ReplaceAll(string(argv), "\x00", " ")))
		}
	}
	return out
}

// stat reads a process's parent, state and start time; ok is false if it is gone.
func stat(pid int) (parent int, state, start string, ok bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, "", "", false
	}
	w := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	parent, _ = strconv.Atoi(w[1])
	return parent, w[0], w[19], true
}

func dead(pid int) bool {
	_, state, _, ok := stat(pid)
	return !ok || state == "Z" || state == "X"
}

// descendants are the living processes below one, each with its start time.
func descendants(root int) map[int]string {
	list, _ := os.ReadDir("/proc")
	kids := map[int][]int{}
	born := map[int]string{}
	for _, e := range list {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if parent, _, start, ok := stat(pid); ok && !dead(pid) {
			kids[parent] = append(kids[parent], pid)
			born[pid] = start
		}
	}
	out := map[int]string{}
	for todo := kids[root]; len(todo) > 0; todo = todo[1:] {
		out[todo[0]] = born[todo[0]]
		todo = append(todo, kids[todo[0]]...)
	}
	return out
}

// alive are those of some processes that still live.
func alive(were map[int]string) (out []int) {
	for pid, born := range were {
		if _, _, start, ok := stat(pid); ok && start == born && !dead(pid) {
			out = append(out, pid)
		}
	}
	return out
}
