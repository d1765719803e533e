package coordinator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sandtable/sandtable/coordinator/agent/process"
)

// TestMain is also the supervisor, an agent's init, and the coordinator that is killed.
func TestMain(m *testing.M) {
	if handled, code := process.Main(os.Args); handled {
		os.Exit(code)
	}
	if folder := os.Getenv("SANDTABLE_TEST_PLAY"); folder != "" {
		os.Exit(playForParent(folder))
	}
	// What an agent must never see (hosting checklist C3).
	for name, value := range secrets {
		os.Setenv(name, value)
	}
	before := descriptors()
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if code == 0 {
			code = lookAround(before)
		}
		os.Exit(code)
	}))
}

// secrets are in the coordinator's environment during all tests.
var secrets = map[string]string{
	"AWS_SECRET_ACCESS_KEY": "CANARY-aws", "ANTHROPIC_API_KEY": "CANARY-anthropic", "GITHUB_TOKEN": "CANARY-github",
	"GOOGLE_APPLICATION_CREDENTIALS": "/CANARY-google", "SSH_AUTH_SOCK": "/CANARY-ssh", "CLAUDECODE": "CANARY-claude",
}

// lookAround finds children and descriptors that the tests' runs have left.
func lookAround(before map[string]string) int {
	code := 0
	if kids := descendants(os.Getpid()); len(kids) > 0 {
		fmt.Println("child processes are left:", kids)
		code = 1
	}
	for fd, to := range descriptors() {
		if before[fd] == "" && to != "anon_inode:[eventpoll]" && to != "anon_inode:[eventfd]" && to != "anon_inode:[pidfd]" {
			fmt.Println("a descriptor is left:", fd, to)
			code = 1
		}
	}
	return code
}

// descriptors are the open ones of this process, by number.
func descriptors() map[string]string {
	out := map[string]string{}
	list, _ := os.ReadDir("/proc/self/fd")
	for _, e := range list {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			out[e.Name()] = to
		}
	}
	return out
}

// playForParent plays a scenario in this process, which the test above it may kill, and
// says on stdout how it goes. It exits 130 if it was interrupted.
func playForParent(folder string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s := setup{out: os.Getenv("SANDTABLE_TEST_OUT"), sandbox: os.Getenv("SANDTABLE_TEST_SANDBOX"), claude: os.Getenv("SANDTABLE_TEST_CLAUDE")}
	s.change = func(o *Options) {
		o.Delay = func(string, int64) time.Duration { return 250 * time.Millisecond }
		o.Watch = func(p Progress) { fmt.Println("turn", p.Turn, "acting", p.Acting) }
	}
	p, err := s.play(ctx, folder)
	if err == nil {
		err = p.err
	}
	fmt.Println("ended:", err)
	if errors.Is(err, context.Canceled) {
		return 130
	}
	return 0
}
