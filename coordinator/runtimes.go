package coordinator

import (
	"context"
	"fmt"
	"os"
)

// maxSandbox is how long a sandbox's path may be for the agents' sockets to lie in it. The
// Claude Code CLI makes one of up to 31 bytes (cc-socks/4194304-ffffffff.sock) in the
// directory that it is given, tmp/NAME/run with a name of up to 32 bytes, and if the whole
// path has more than 102 bytes, another one: /tmp/cc-socks-UID, which all agents share (seen
// with 2.1.330).
const maxSandbox = 102 - len("/tmp/") - 32 - len("/run/") - 31

// openRuntimes makes a folder for the agents' sockets where the sandbox's path is too long.
func (r *run) openRuntimes() error {
	if len(r.sandbox) <= maxSandbox {
		return nil
	}
	dir, err := os.MkdirTemp("/tmp", "st-") // not the temporary directory, which may be what is long
	if err != nil {
		return fmt.Errorf("a folder with a short path for the agents' sockets: %w; or use a --sandbox of at most %d bytes", err, maxSandbox-len("/st-1234567890"))
	}
	r.runtimes = dir
	r.onClose(func(context.Context) error { return removeAll(dir) })
	return os.Chmod(dir, 0o711)
}
