// Package process runs agents' programs so that nothing of them is ever left behind.
//
// How it works:
//
//  1. [Start] executes this program again as the run's supervisor: a session of its
//     own, a child subreaper, joined to the coordinator by a socket. It probes by doing
//     what this machine allows and says so in [Means].
//  2. [Supervisor.Spawn] makes three pipes and passes their far ends over the socket.
//     The supervisor starts an init for the agent (this program once more), which
//     starts the agent as its child and reaps whatever is orphaned below it. So
//     everything that an agent starts stays a descendant of its init, whatever
//     sessions, groups and double forks it makes.
//  3. When the agent's own process ends, or [Process.Kill] is called, or the
//     supervisor's socket reaches its end because the coordinator is gone, the tree is
//     killed: with the init's PID namespace, with its cgroup, or by a sweep that goes on
//     until two passes over the process table find nobody. [Process.Done] closes only
//     then.
//  4. [Process.Freeze] holds a whole tree still, [Process.Thaw] lets it go on: by the
//     cgroup freezer where there is one, and otherwise by stop signals until two passes
//     find everybody stopped. The init goes on: it only reaps, and nobody below it may
//     trace it.
//
// With cgroups each agent has two: <id> holds the init and is what is killed, <id>/a holds
// the agent from its first instruction on and is what is frozen. A freeze compares the
// processes in <id>/a with the tree below the init. If <id>/a lists the same processes as
// when a walk last found the whole tree in it, and the agent's PID namespace holds these
// and the init and no other, that is enough; otherwise it walks the tree again.
//
// The means, strongest first:
//
//	kill    pidns   the kernel kills a PID namespace with its init; no escape
//	        cgroup  cgroup.kill, then a sweep for what left the cgroup, and for processes
//	                whose first thread has ended, which the kernel (6.18) passes over
//	        sweep   descendants of the init, then what was orphaned by killing it
//	freeze  cgroup  cgroup.freeze; what left the cgroup is put back first
//	        sweep   SIGSTOP, remembering what was stopped before
//
// Where agents do not have a PID namespace of their own, a second supervisor guards the
// first: should that be killed, the guard inherits its orphans and sweeps them.
//
// Binaries that use this package, test binaries included, call [Main] before anything
// else; it takes over in the supervisor and in the inits.
//
// Goroutines: a [Supervisor] owns two (the reader of the socket, which also waits for the
// process, and that of its log), ended by [Supervisor.Close]. In the supervisor process one,
// locked to its thread because the parent-death signal follows the thread that forked,
// owns all state.
//
// Descriptors: besides the three pipes the coordinator holds four for each agent that has
// a cgroup and a PID namespace, until [Process.Done] is closed.
//
// Agents do not get CAP_SYS_PTRACE, not even root ones: they could take over their init.
//
// Not promised: an agent with the coordinator's own user id and no PID namespace can
// send signals to anybody, coordinator included; one that is root can leave its cgroup,
// which is noticed at the next freeze. A process in uninterruptible sleep can neither be
// frozen nor killed until the kernel lets go of it; then Freeze and Kill return an error
// that names it. Linux only.
package process
