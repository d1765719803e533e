package claude

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Seed writes the file that the client would otherwise invent at its first start in a
// configuration directory: that it has been set up, and who its user is. The user's id
// goes into every request's metadata; drawn by the client it would make no two runs'
// requests alike, so it is derived from the agent's name. A directory that already has
// the file is left alone. dir is made if it is not there.
//
// It is this small on purpose: with nonessential traffic off, 2.1.330 writes hardly
// anything else at its first start. Measured on two busy cores, eight starts each, the
// reply to initialize came after 0.54 s (median) in a new directory and after 0.44 s in
// one that was seeded so; on idle cores the difference is within the noise. A whole
// directory copied from an earlier start was no faster than the seed.
func Seed(dir, agent string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("seed the client's configuration: %w", err)
	}
	sum := sha256.Sum256([]byte("sandtable/claude/" + agent))
	id := hex.EncodeToString(sum[:])
	const start = "2026-01-01T00:00:00.000Z"
	data := compact(map[string]any{
		"hasCompletedOnboarding": true, "firstStartTime": start, "firstStartVersion": Pinned,
		"userID": id, "machineID": id, "opusProMigrationComplete": true, "seenNotifications": map[string]any{},
		"hasResetAutoModeOptInForDefaultOffer": true, "migrationVersion": 15,
	})
	f, err := os.OpenFile(filepath.Join(dir, ".claude.json"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("seed the client's configuration: %w", err)
	}
	_, err = f.WriteString(data)
	return errors.Join(err, f.Close())
}

// Managed returns the managed settings files of this machine. The client obeys them
// whatever it is told, so a run should name those that it did not write.
func Managed() []string {
	dir := "/etc/claude-code"
	if runtime.GOOS == "darwin" {
		dir = "/Library/Application Support/ClaudeCode"
	}
	var out []string
	for _, pattern := range []string{"managed-settings.json", "managed-settings.d/*.json", "managed-mcp.json", "CLAUDE.md"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		out = append(out, found...)
	}
	return out
}
