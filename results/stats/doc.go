// Package stats says how sure a number is: a rate, a mean, a median or the shares of
// some texts, each with an interval, the level it really has, the method's name, and
// what should make a reader careful.
//
// How it works:
//
//  1. A caller passes plain counts or a []float64, and the level it asks for.
//  2. The functions compute and return an [Estimate]; they read no file, know no
//     record type, use no randomness and never reorder the caller's slice.
//  3. What is undefined is NaN, never 0, and carries a warning that says why: a
//     standard error of 0 from a single run would read as certainty.
//  4. Warnings are data. They do not stop an analysis, they travel with it, and every
//     report shows them.
//
// The unit of analysis is the caller's choice: for runs whose agents share a
// workspace it is the run, never the agent.
//
// Nothing here has state or starts a goroutine. The package does not correct for
// looking more than once or for comparing many things, and it does not know whether
// the number of observations was fixed beforehand; whoever knows must say so.
package stats
