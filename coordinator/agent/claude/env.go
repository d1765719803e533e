package claude

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// defaultPath is the PATH of an agent whose scenario sets none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// fixed is the part of the environment that is the same for every agent. Everything
// the process gets reaches its Bash children too.
var fixed = [][2]string{
	{"TZ", "UTC"}, {"LANG", "C.UTF-8"},
	// Only the gateway is spoken to.
	{"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"}, {"DISABLE_TELEMETRY", "1"}, {"DISABLE_ERROR_REPORTING", "1"},
	{"DISABLE_AUTOUPDATER", "1"}, {"DISABLE_UPDATES", "1"},
	// No context from elsewhere.
	{"CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1"}, {"CLAUDE_CODE_DISABLE_CLAUDE_MDS", "1"},
	{"CLAUDE_CODE_DISABLE_BUNDLED_SKILLS", "1"}, {"ENABLE_CLAUDEAI_MCP_SERVERS", "false"},
	// A name after an @ in a prompt would be read, wherever it lies and past the gate.
	{"CLAUDE_CODE_DISABLE_FILE_MENTIONS", "1"},
	// No turns that nobody asked for, and no requests beside them.
	{"CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"}, {"CLAUDE_CODE_DISABLE_CRON", "1"},
	{"CLAUDE_CODE_DISABLE_TERMINAL_TITLE", "1"},
	// A smaller prompt that does not change, with our tools in it from the first turn.
	{"CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS", "1"}, {"CLAUDE_CODE_ATTRIBUTION_HEADER", "0"},
	{"ENABLE_TOOL_SEARCH", "false"}, {"CLAUDE_CODE_ENTRYPOINT", "sdk-go"},
}

// Env is the process's whole environment, sorted.
func Env(o *Options) []string {
	env := map[string]string{"PATH": defaultPath}
	for _, kv := range fixed {
		env[kv[0]] = kv[1]
	}
	maps.Copy(env, o.own())
	maps.Copy(env, o.Env)
	out := make([]string, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		out = append(out, k+"="+env[k])
	}
	return out
}

// own is what differs between agents.
func (o *Options) own() map[string]string {
	env := map[string]string{
		"HOME": o.Home, "TMPDIR": o.Tmp, "CLAUDE_CODE_TMPDIR": o.Tmp, "XDG_RUNTIME_DIR": o.RuntimeDir,
		"CLAUDE_CONFIG_DIR": o.ConfigDir, "ANTHROPIC_BASE_URL": o.BaseURL, "ANTHROPIC_AUTH_TOKEN": o.Key,
		"ANTHROPIC_CUSTOM_HEADERS": "X-Sandtable-Agent: " + o.Name,
	}
	if o.Run != "" {
		env["ANTHROPIC_CUSTOM_HEADERS"] += "\nX-Sandtable-Run: " + o.Run
	}
	if o.Subagents == 0 {
		env["CLAUDE_AGENT_SDK_DISABLE_BUILTIN_AGENTS"] = "1"
	} else {
		env["CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS"] = strconv.Itoa(o.Subagents)
		env["CLAUDE_CODE_MAX_SUBAGENT_SPAWN_DEPTH"] = "1"
	}
	if o.Scripted {
		env["CLAUDE_CODE_MAX_RETRIES"], env["DISABLE_AUTO_COMPACT"] = "0", "1"
	}
	return env
}

// reserved beginnings of names: the client's own switches, and what loads code into it.
var reserved = []string{
	"ANTHROPIC_", "CLAUDE", "DISABLE_", "ENABLE_", "XDG_", "LD_", "DYLD_", "BUN_", "NODE_", "MCP_", "OTEL_",
	"AWS_", "GOOGLE_", "VERTEX_", "CLOUD_ML_", "SANDTABLE_", "IS_SANDBOX", "USE_", "FORCE_", "API_",
}

// checkEnv refuses variables that would change what the driver has set. The addresses
// of clouds are among them: the client would talk to them past the gateway. PATH, TZ
// and LANG may be set.
func (o *Options) checkEnv() error {
	for k, v := range o.Env {
		up := strings.ToUpper(k)
		if k == "" || strings.ContainsAny(k, "=\x00") || strings.Contains(v, "\x00") {
			return fmt.Errorf("env: %q is not a name, or its value not a text", k)
		}
		bad := up == "HOME" || up == "TMPDIR" || strings.HasSuffix(up, "_PROXY")
		for _, r := range reserved {
			bad = bad || strings.HasPrefix(up, r)
		}
		if bad {
			return fmt.Errorf("env: %s belongs to sandtable or would lead the agent past the gateway", k)
		}
	}
	return nil
}
