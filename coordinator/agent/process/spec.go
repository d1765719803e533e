package process

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// Spec is one program to be started.
type Spec struct {
	Name string // the agent's, for messages
	// Argv[0] is a path (a relative one is taken from Dir), or a name to be found on the
	// PATH in Env.
	Argv []string
	// Env is the whole environment, as KEY=value; nothing is inherited.
	Env   []string
	Dir   string // "": the file system's root
	Umask int    // 0: 022
	User  *User  // nil: the coordinator's own; another one needs privilege
}

// User is the identity a program runs as. It has no supplementary groups.
type User struct{ UID, GID uint32 }

func (s Spec) umask() int {
	if s.Umask == 0 {
		return 0o022
	}
	return s.Umask
}

func (s Spec) credential() *syscall.Credential {
	if s.User == nil {
		return nil
	}
	return &syscall.Credential{Uid: s.User.UID, Gid: s.User.GID}
}

// check finds what could not be passed to a new process.
func (s Spec) check() error {
	if len(s.Argv) == 0 || s.Argv[0] == "" {
		return errors.New("there is no command: give a program and its arguments")
	}
	if s.Umask < 0 || s.Umask > 0o777 {
		return fmt.Errorf("umask %#o is not between 0 and 0777", s.Umask)
	}
	for _, kv := range s.Env {
		if strings.IndexByte(kv, '=') < 1 {
			return fmt.Errorf("%q in the environment is not KEY=value", kv)
		}
	}
	for _, a := range append(append([]string{s.Dir}, s.Argv...), s.Env...) {
		if strings.IndexByte(a, 0) >= 0 {
			return fmt.Errorf("%q holds a zero byte", a)
		}
	}
	return nil
}
