package scenarios

import (
	"math"
	"time"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// The tables are functions, not variables, so that nothing in the package can be
// changed while it is used.

const (
	namePattern  = `^[a-z][a-z0-9-]{0,31}$`
	agentPattern = `^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`
	nameWords    = "a lower-case letter, then up to 31 lower-case letters, digits and -"
	agentWords   = "up to 32 letters, digits, - and _, a letter or digit first"
)

const (
	most       = 1_000_000
	mostTokens = math.MaxInt32 * 1000
)

func scenarioTable() table[Scenario] {
	return table[Scenario]{"the scenario", []field[Scenario]{
		required(f("sandtable", "the version of the format: 1", static(version()), func(s *Scenario) *int { return &s.Version })),
		required(f("name", "the scenario's name", static(pattern("a name", namePattern, nameWords)), func(s *Scenario) *string { return &s.Name })),
		f("description", "what it is about", static(anyText()), func(s *Scenario) *string { return &s.Description }),
		planned[Scenario]("extends", "Library"),
		f("params", "all that varies, by name: a value, or {default, one_of, min, max, about}", paramsKind(), func(s *Scenario) *[]Param { return &s.Params }),
		f("matrix", "lists of values of parameters: every combination is a cell", names("the matrix", checkParam, dyn(AtLoad, axis())), func(s *Scenario) *[]Named[Dyn[[]any]] { return &s.Matrix }),
		planned[Scenario]("blocks", "Results"),
		f("seed", "root of all chance; absent: drawn and printed", pointer(static(seeds())), func(s *Scenario) **uint64 { return &s.Seed }),
		f("replicates", "runs per cell", static(integers(1, most)), func(s *Scenario) *int { return &s.Replicates }),
		f("world", "the rules: a Starlark file, or {command, timeout}", worldKind(), func(s *Scenario) **World { return &s.World }),
		f("upstream", "where model requests go", upstreamKind(), func(s *Scenario) **Upstream { return &s.Upstream }),
		f("requires", "what a run needs; unmet it is refused", object(requiresTable()), func(s *Scenario) **Requires { return &s.Requires }),
		f("workspace", "the shared tree", object(workspaceTable()), func(s *Scenario) **Workspace { return &s.Workspace }),
		f("players", "reusable definitions, by name", names("players", checkAgentName, object(playerTable("the player"))), func(s *Scenario) *[]Named[*Player] { return &s.Players }),
		required(f("agents", "the seats", list("agents", object(agentTable())), func(s *Scenario) *[]*Agent { return &s.Agents })),
		required(f("turns", "the course of a turn", turnsKind(), func(s *Scenario) **Turns { return &s.Turns })),
		f("events", "the operator's changes", list("events", object(eventTable())), func(s *Scenario) *[]*Event { return &s.Events }),
		f("stop", "tested after each stage; True or a text ends the run", code(AtStage), func(s *Scenario) **expr.Expr { return &s.Stop }),
		f("metrics", "values after each turn", names("metrics", checkMeasure, measureKind(AtMetric)), func(s *Scenario) *[]Named[*Measure] { return &s.Metrics }),
		f("outcomes", "values at the end", names("outcomes", checkMeasure, measureKind(AtOutcome)), func(s *Scenario) *[]Named[*Measure] { return &s.Outcomes }),
		f("expect", "what must hold in every cell", list("expect", expectationKind()), func(s *Scenario) *[]*Expectation { return &s.Expect }),
		f("failures", "what happens when an attempt fails", object(failuresTable()), func(s *Scenario) **Failures { return &s.Failures }),
		f("limits", "bounds of one run", object(limitsTable()), func(s *Scenario) **Limits { return &s.Limits }),
		f("batch", "bounds of all runs of a command", object(batchTable()), func(s *Scenario) **Batch { return &s.Batch }),
		planned[Scenario]("nomad", "Nomad"),
	}}
}

func requiresTable() table[Requires] {
	return table[Requires]{"requires", []field[Requires]{
		f("commands", "programs that must be on the path", static(texts()), func(r *Requires) *[]string { return &r.Commands }),
		f("tier", "the least isolation", static(oneOf([]string{"T0", "T1", "T2"}, nil)), func(r *Requires) *string { return &r.Tier }),
		f("network", "what the network must reach", static(oneOf([]string{"none", "model", "open"}, nil)), func(r *Requires) *string { return &r.Network }),
	}}
}

func workspaceTable() table[Workspace] {
	return table[Workspace]{"the workspace", []field[Workspace]{
		f("from", "folder copied into the first revision", static(folderPath()), func(w *Workspace) *string { return &w.From }),
		f("files", "inline files, by path", names("files", CheckPath, template(AtLoad)), func(w *Workspace) *[]Named[Dyn[string]] { return &w.Files }),
		f("setup", "commands run once before the first revision", list("setup", static(argv())), func(w *Workspace) *[][]string { return &w.Setup }),
		f("ignore", "globs that are not versioned", static(globs()), func(w *Workspace) *[]string { return &w.Ignore }),
		f("mode", "snapshot", static(oneOf([]string{"snapshot"}, map[string]string{"live": "Arbitration"})), func(w *Workspace) *string { return &w.Mode }),
		f("atomic", "a write set is taken whole or not at all", static(boolean()), func(w *Workspace) *bool { return &w.Atomic }),
		f("policy", "merge policies; the first whose glob matches decides", list("policy", object(policyTable())), func(w *Workspace) *[]*Policy { return &w.Policy }),
	}}
}

func policyTable() table[Policy] {
	later := map[string]string{}
	for _, name := range []string{"queue", "rebase-edit", "union", "json", "fork"} {
		later[name] = "Arbitration"
	}
	return table[Policy]{"the policy", []field[Policy]{
		required(f("path", "a glob", static(globText()), func(p *Policy) *string { return &p.Path })),
		required(f("use", "the policy", static(oneOf([]string{"merge3", "reject-stale", "append", "fww", "lww"}, later)), func(p *Policy) *string { return &p.Use })),
	}}
}

func playerTable(name string) table[Player] {
	return table[Player]{name, []field[Player]{
		f("runtime", "what plays", dyn(AtAgent, oneOf([]string{"claude", "program", "script"}, map[string]string{"human": "Live"})), func(p *Player) *Dyn[string] { return &p.Runtime }),
		f("model", "the model's name", dyn(AtAgent, someText()), func(p *Player) *Dyn[string] { return &p.Model }),
		f("prompt", "who you are", prompt(AtAgent), func(p *Player) *Text { return &p.Prompt }),
		f("system", "whether the prompt is added to the CLI's own or takes its place", dyn(AtAgent, oneOf([]string{"append", "replace"}, nil)), func(p *Player) *Dyn[string] { return &p.System }),
		f("tools", "the tools it has", dyn(AtAgent, texts()), func(p *Player) *Dyn[[]string] { return &p.Tools }),
		f("permissions", "rules for tools", object(permissionsTable()), func(p *Player) **Permissions { return &p.Permissions }),
		f("mcp", "MCP servers, by name", names("mcp", checkAgentName, object(mcpTable())), func(p *Player) *[]Named[*MCPServer] { return &p.MCP }),
		f("subagents", "what it may start", object(subagentsTable()), func(p *Player) **Subagents { return &p.Subagents }),
		f("options", "command line flags", dyn(AtAgent, mapping()), func(p *Player) *Dyn[map[string]any] { return &p.Options }),
		f("script", "file.star[:function]", dyn(AtAgent, scripts()), func(p *Player) *Dyn[string] { return &p.Script }),
		f("command", "the program and its arguments", dyn(AtAgent, argv()), func(p *Player) *Dyn[[]string] { return &p.Command }),
		f("env", "the whole environment it gets besides ours", dyn(AtAgent, environment()), func(p *Player) *Dyn[map[string]string] { return &p.Env }),
		f("vars", "its own data", dyn(AtAgent, mapping()), func(p *Player) *Dyn[map[string]any] { return &p.Vars }),
		f("network", "what it reaches", dyn(AtAgent, networks()), func(p *Player) *Dyn[string] { return &p.Network }),
		f("limits", "its bounds", object(playerLimitsTable()), func(p *Player) **PlayerLimits { return &p.Limits }),
	}}
}

func permissionsTable() table[Permissions] {
	return table[Permissions]{"permissions", []field[Permissions]{
		f("allow", "tools without asking", dyn(AtAgent, texts()), func(p *Permissions) *Dyn[[]string] { return &p.Allow }),
		f("deny", "tools that are refused", dyn(AtAgent, texts()), func(p *Permissions) *Dyn[[]string] { return &p.Deny }),
	}}
}

func mcpTable() table[MCPServer] {
	return table[MCPServer]{"the MCP server", []field[MCPServer]{
		f("command", "a program that speaks MCP on stdin and stdout", dyn(AtAgent, argv()), func(m *MCPServer) *Dyn[[]string] { return &m.Command }),
		f("url", "an address", dyn(AtAgent, someText()), func(m *MCPServer) *Dyn[string] { return &m.URL }),
		f("secrets", "environment variables handed to it alone", dyn(AtAgent, texts()), func(m *MCPServer) *Dyn[[]string] { return &m.Secrets }),
	}}
}

func subagentsTable() table[Subagents] {
	return table[Subagents]{"subagents", []field[Subagents]{
		required(f("max", "how many at a time", dyn(AtAgent, integers(0, 1000)), func(s *Subagents) *Dyn[int] { return &s.Max })),
	}}
}

func playerLimitsTable() table[PlayerLimits] {
	return table[PlayerLimits]{"the player's limits", []field[PlayerLimits]{
		f("steps", "model requests an act", dyn(AtLoad, integers(1, most)), func(p *PlayerLimits) *Dyn[int] { return &p.Steps }),
		f("act", "time of an act", dyn(AtLoad, positive()), func(p *PlayerLimits) *Dyn[time.Duration] { return &p.Act }),
		f("mail", "letters an act", dyn(AtLoad, integers(1, most)), func(p *PlayerLimits) *Dyn[int] { return &p.Mail }),
		f("bank", "extra time in the run", dyn(AtLoad, durations()), func(p *PlayerLimits) *Dyn[time.Duration] { return &p.Bank }),
		f("tokens", "tokens a run", dyn(AtLoad, integers(1, mostTokens)), func(p *PlayerLimits) *Dyn[int] { return &p.Tokens }),
		f("usd", "dollars a run", dyn(AtLoad, numbers(0, 1e9)), func(p *PlayerLimits) *Dyn[float64] { return &p.USD }),
		planned[PlayerLimits]("memory", "Gateway"),
		planned[PlayerLimits]("pids", "Gateway"),
		planned[PlayerLimits]("disk", "Gateway"),
	}}
}

func agentTable() table[Agent] {
	rows := []field[Agent]{
		required(f("name", "the entry's name", static(agentName()), func(a *Agent) *string { return &a.Name })),
		f("count", "how many; they are numbered from 1", dyn(AtLoad, integers(0, 10_000)), func(a *Agent) *Dyn[int] { return &a.Count }),
		f("player", "a definition among players", dyn(AtLoad, someText()), func(a *Agent) *Dyn[string] { return &a.Base }),
		f("role", "its role", dyn(AtAgent, roleName()), func(a *Agent) *Dyn[string] { return &a.Role }),
		f("roles", "roles that are dealt among them: {role: number}", names("roles", checkRole, dyn(AtLoad, integers(0, 10_000))), func(a *Agent) *[]Named[Dyn[int]] { return &a.Roles }),
		f("joins", "a turn or a condition", whenKind(true), func(a *Agent) **When { return &a.Joins }),
		f("leaves", "a turn or a condition", whenKind(true), func(a *Agent) **When { return &a.Leaves }),
		f("focal", "false: background", dyn(AtAgent, boolean()), func(a *Agent) *Dyn[bool] { return &a.Focal }),
		f("read", "globs it may read", dyn(AtAgent, globs()), func(a *Agent) *Dyn[[]string] { return &a.Read }),
		f("write", "globs it may write", dyn(AtAgent, globs()), func(a *Agent) *Dyn[[]string] { return &a.Write }),
	}
	for _, row := range playerTable("the agent").rows {
		rows = append(rows, field[Agent]{
			key: row.key, about: row.about, schema: row.schema, planned: row.planned,
			load: func(l *loader, n *node, a *Agent) { row.load(l, n, &a.Player) },
		})
	}
	return table[Agent]{"the agent", rows}
}

func eventTable() table[Event] {
	return table[Event]{"the event", []field[Event]{
		required(f("at", "a turn, a list of turns, {from, every, until}, or a condition", whenKind(false), func(e *Event) **When { return &e.At })),
		f("before", "a phase; default: as the turn opens", static(someText()), func(e *Event) *string { return &e.Before }),
		f("set", "keys of the state", dyn(AtStage, mapping()), func(e *Event) *Dyn[map[string]any] { return &e.Set }),
		f("write", "a file", object(writeTable()), func(e *Event) **WriteFile { return &e.Write }),
		f("remove", "paths", dyn(AtStage, pathList()), func(e *Event) *Dyn[[]string] { return &e.Remove }),
		f("mail", "a letter", object(sendTable()), func(e *Event) **SendMail { return &e.Mail }),
		planned[Event]("ask", "Live"),
	}}
}

func writeTable() table[WriteFile] {
	return table[WriteFile]{"write", []field[WriteFile]{
		required(f("path", "the path", dyn(AtStage, paths()), func(w *WriteFile) *Dyn[string] { return &w.Path })),
		required(f("text", "the whole text", template(AtStage), func(w *WriteFile) *Dyn[string] { return &w.Text })),
	}}
}

func sendTable() table[SendMail] {
	return table[SendMail]{"mail", []field[SendMail]{
		required(f("to", "seats", dyn(AtStage, seats()), func(m *SendMail) *Dyn[[]string] { return &m.To })),
		required(f("text", "the text", template(AtStage), func(m *SendMail) *Dyn[string] { return &m.Text })),
	}}
}

func limitsTable() table[Limits] {
	return table[Limits]{"limits", []field[Limits]{
		f("turns", "turns", dyn(AtLoad, integers(1, most)), func(x *Limits) *Dyn[int] { return &x.Turns }),
		f("usd", "dollars", dyn(AtLoad, numbers(0, 1e9)), func(x *Limits) *Dyn[float64] { return &x.USD }),
		f("tokens", "tokens", dyn(AtLoad, integers(1, mostTokens)), func(x *Limits) *Dyn[int] { return &x.Tokens }),
		f("wall", "time", dyn(AtLoad, positive()), func(x *Limits) *Dyn[time.Duration] { return &x.Wall }),
		f("idle", "time without a sign of life", dyn(AtLoad, positive()), func(x *Limits) *Dyn[time.Duration] { return &x.Idle }),
	}}
}

func batchTable() table[Batch] {
	return table[Batch]{"batch", []field[Batch]{
		f("usd", "dollars", pointer(static(numbers(0, 1e9))), func(b *Batch) **float64 { return &b.USD }),
		f("tokens", "tokens", pointer(static(integers(1, mostTokens))), func(b *Batch) **int { return &b.Tokens }),
		f("wall", "time", static(positive()), func(b *Batch) *time.Duration { return &b.Wall }),
		f("parallel", "runs at a time", static(integers(1, 10_000)), func(b *Batch) *int { return &b.Parallel }),
		f("excluded", "share of runs that may be missing from a verdict", static(numbers(0, 1)), func(b *Batch) *float64 { return &b.Excluded }),
		f("keep", "which run directories stay", static(oneOf([]string{"all", "failed", "none"}, nil)), func(b *Batch) *string { return &b.Keep }),
	}}
}
