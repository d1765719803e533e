package tree

import (
	"fmt"
	"strings"
)

// policies are the values of [Policy] that [Commit] knows.
const policies = "merge3, reject-stale, append, fww or lww"

// For returns the policy of a path.
func (p Policies) For(path string) (Policy, error) {
	for _, r := range p.Rules {
		match, err := matchGlob(r.Path, path)
		if err != nil {
			return "", fmt.Errorf("policy for %q: %w", r.Path, err)
		}
		if match {
			return r.Use, nil
		}
	}
	if p.Default == "" {
		return Merge3, nil
	}
	return p.Default, nil
}

// Check returns an error that names the first rule that cannot be used: its glob is
// not well formed, or its policy is not one of snapshot mode.
func (p Policies) Check() error {
	for i, r := range p.Rules {
		if strings.HasPrefix(r.Path, "!") {
			return fmt.Errorf("policy %d, %q: a policy's glob cannot deny: put a rule for the other paths before it", i+1, r.Path)
		}
		if err := checkGlob(r.Path); err != nil {
			return fmt.Errorf("policy %d, %q: %w", i+1, r.Path, err)
		}
		if err := r.Use.check(); err != nil {
			return fmt.Errorf("policy %d, %q: %w", i+1, r.Path, err)
		}
	}
	if p.Default == "" {
		return nil
	}
	if err := p.Default.check(); err != nil {
		return fmt.Errorf("default policy: %w", err)
	}
	return nil
}

func (p Policy) check() error {
	switch p {
	case Merge3, RejectStale, Append, FWW, LWW:
		return nil
	}
	return fmt.Errorf("unknown policy %q: want %s", string(p), policies)
}
