package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strconv"
	"strings"

	"github.com/sandtable/sandtable/sim/tree"
)

// shortName is an agent's name as a directory: itself where it is short and plain, else
// a digest of it. It tells nothing but the agent.
func shortName(agent string) string {
	if len(agent) > 0 && len(agent) <= 32 && strings.Trim(agent, "abcdefghijklmnopqrstuvwxyz0123456789-_") == "" {
		return agent
	}
	sum := sha256.Sum256([]byte(agent))
	return "a-" + hex.EncodeToString(sum[:5])
}

// nameFault says why a path cannot be versioned, "" if it can.
func nameFault(p string) string {
	if err := tree.ValidPath(p); err != nil {
		return "its name cannot be versioned: " + err.Error()
	}
	return ""
}

// linkFault says why a symbolic link at p cannot be versioned. The target must be
// relative and stay inside, and ".." may only lead it: then, since every other link
// obeys the same rule, no chain of them leaves the tree either.
func linkFault(p, target string) string {
	switch {
	case target == "":
		return "the symbolic link has no target"
	case strings.HasPrefix(target, "/"):
		return "the symbolic link is absolute; use a relative target inside the workspace"
	}
	depth, named := strings.Count(p, "/"), false
	for _, elem := range strings.Split(target, "/") {
		switch elem {
		case "", ".":
		case "..":
			depth--
			if named {
				return "the symbolic link's target has '..' behind a name; write it with '..' only in front"
			}
			if depth < 0 {
				return "the symbolic link leaves the workspace; use a target inside it"
			}
		default:
			named = true
		}
	}
	return ""
}

// showPath is a path on one line: as it is where that is harmless, else quoted.
func showPath(p string) string {
	if q := strconv.Quote(p); q != `"`+p+`"` {
		return q
	}
	return p
}

// credentialNames are the base names of hosting checklist row C5, as globs of package
// path; a name with a slash is matched against the end of the path.
func credentialNames() []string {
	return []string{
		".env*", ".git-credentials", ".netrc", ".npmrc", ".pypirc", "*-service-account.json", "*.pem", "*.key",
		".aws/*", ".azure/*", ".docker/config.json", ".kube/config", "kubeconfig", "*.kubeconfig",
		"gcloud/application_default_credentials.json", "application_default_credentials.json",
	}
}

// isCredential reports whether a path looks like a file of credentials.
func isCredential(p string) bool {
	elems := strings.Split(p, "/")
	for _, pattern := range credentialNames() {
		n := strings.Count(pattern, "/") + 1
		for i := 0; i+n <= len(elems); i++ {
			whole := i+n == len(elems)
			if !whole && !strings.HasSuffix(pattern, "/*") {
				continue
			}
			if ok, _ := path.Match(pattern, strings.Join(elems[i:i+n], "/")); ok {
				return true
			}
		}
	}
	return false
}
