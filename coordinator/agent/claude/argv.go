package claude

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// owned are the flags that the driver sets itself, or that would undo what it sets:
// other permissions, settings from elsewhere, another protocol, another session, other
// places, interfaces to people and other machines. Written without dashes, in lower
// case: the client knows some flags in two spellings. Many of them are not in its help.
var owned = []string{
	"adddir", "agent", "agentcolor", "agentid", "agentname", "agents", "agenttype", "allowdangerouslyskippermissions", "allowedtools",
	"appendsubagentsystemprompt", "appendsubagentsystempromptfile", "appendsystemprompt", "appendsystempromptfile",
	"attachserve", "autocompact", "awaitinitialize", "axscreenreader", "bare", "bg", "background", "brief", "c", "channels", "chrome", "cloud",
	"continue", "d", "dangerouslyloaddevelopmentchannels", "dangerouslyskippermissions", "debug", "debugfile", "desktop", "disablemdmsettings",
	"disallowedtools", "enableautomode", "environment", "file", "forksession", "forwardhomesettings", "fromlink", "frompr", "gatewayjson", "h", "help",
	"ide", "includehookevents", "inheritpermissionmode", "init", "initializefields", "initonly", "inputformat", "jsonschema",
	"maintenance", "managedsettings", "managedsettingsininitialize", "maxturns", "mcpconfig", "mcpdebug", "messagingsocketpath", "model",
	"n", "name", "nosessionpersistence", "organizationgateway", "outputformat", "p", "parentsessionid", "permissionmode", "permissionprompts",
	"permissionprompttool", "planmodeinstructions", "planmoderequired", "plugindir", "plugindirnomcp", "pluginurl", "prefill", "print",
	"projectconfigroot", "promptsuggestions", "r", "rc", "remote", "remotecontrol", "remotecontrolsessionnameprefix", "replayusermessages",
	"resume", "resumedropsturn", "resumesessionat", "rewindfiles", "sdkurl", "sessionid", "sessionmirror", "sessiontunnel", "settings",
	"settingsources", "strictmcpconfig", "systemprompt", "systempromptfile", "systempromptsnapshot", "teamname", "teleport", "teammatemode",
	"tmux", "tools", "trustedfolder", "trustplugin", "trustworkspace", "v", "verbose", "version", "w", "web", "worktree",
}

func (o *Options) checkFlags() error {
	for name, v := range o.Flags {
		plain := strings.ToLower(strings.ReplaceAll(name, "-", ""))
		if slices.Contains(owned, plain) {
			return fmt.Errorf("options: the flag --%s belongs to sandtable: it would change how the agent is driven or gated", name)
		}
		if plain == "" || strings.HasPrefix(name, "-") || strings.ContainsAny(name, "= \t\n") {
			return fmt.Errorf("options: %q is not a flag: write it without dashes in front", name)
		}
		if _, err := flag(name, v); err != nil {
			return err
		}
	}
	return nil
}

// flag words one flag. The form with "=" is for values that begin with a dash.
func flag(name string, v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return []string{"--" + name}, nil
	case bool:
		if !v {
			return nil, nil
		}
		return []string{"--" + name}, nil
	case string:
		return []string{"--" + name + "=" + v}, nil
	case int64:
		return []string{"--" + name + "=" + strconv.FormatInt(v, 10)}, nil
	case float64:
		return []string{"--" + name + "=" + strconv.FormatFloat(v, 'g', -1, 64)}, nil
	case []any:
		var out []string
		for _, e := range v {
			one, err := flag(name, e)
			if err != nil {
				return nil, err
			}
			out = append(out, one...)
		}
		return out, nil
	}
	return nil, fmt.Errorf("options: the value of %s must be a text, number, boolean or a list of these", name)
}

// Argv is the process's command line. resume continues the session instead of
// beginning it. The options must be valid.
//
// Permission mode default and no allow rule for writers keep a second lock behind the
// hook: should the hook be lost, the client asks, and a question without an answer is
// a refusal. Empty setting sources keep the view's own CLAUDE.md, hooks and MCP
// servers from being loaded, which otherwise run without a question.
func Argv(o *Options, session string, resume bool) []string {
	argv := []string{o.Binary,
		"--output-format=stream-json", "--verbose", "--input-format=stream-json",
		"--permission-prompt-tool=stdio", "--permission-mode=default",
		"--setting-sources=", "--strict-mcp-config",
		"--tools=" + strings.Join(o.tools(), ","),
		"--disallowedTools=" + strings.Join(o.denied(), ","),
		"--settings=" + o.settings(),
		"--model=" + o.Model, o.system()}
	if resume {
		argv = append(argv, "--resume="+session)
	} else {
		argv = append(argv, "--session-id="+session)
	}
	if o.Steps > 0 {
		argv = append(argv, "--max-turns="+strconv.Itoa(o.Steps))
	}
	if len(o.Servers) > 0 {
		argv = append(argv, "--mcp-config="+compact(map[string]any{"mcpServers": o.Servers}))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Flags)) {
		f, _ := flag(name, o.Flags[name])
		argv = append(argv, f...)
	}
	return argv
}

// tools are the built-in tools the process has.
func (o *Options) tools() []string {
	out := slices.Clone(o.Tools)
	for _, tool := range o.PhaseTools {
		if !slices.Contains(out, tool) {
			out = append(out, tool)
		}
	}
	if o.Subagents > 0 {
		out = append(out, "Task")
	}
	return out
}

func (o *Options) denied() []string {
	out := slices.Clone(barred)
	if o.Subagents == 0 {
		out = append(out, "Task", "Agent")
	}
	return out
}

func (o *Options) system() string {
	if o.Replace {
		return "--system-prompt=" + o.Prompt
	}
	return "--append-system-prompt=" + o.Prompt
}

func (o *Options) settings() string {
	rules := map[string]any{"deny": append(o.denied(), o.Deny...)}
	if len(o.Allow) > 0 {
		rules["allow"] = o.Allow
	}
	return compact(map[string]any{"crossSessionInbound": "refuse", "permissions": rules})
}

// compact is JSON on one line. What it is given was checked, so that it cannot fail.
func compact(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("claude: %v", err))
	}
	return string(data)
}
