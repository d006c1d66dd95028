// Package bench measures what the project claims: how soon a contact is at
// HubSpot, how many a second, and what all of it costs the apps that write. The
// figures of the documentation come from here and from nowhere else, so that
// anybody can repeat them with one command on a machine of their own.
//
// What is measured is the program: replicas are processes of its binary, HubSpot
// is the strict simulator in this process, and the server is a real PostgreSQL
// whose commits are safe on disk. Every measurement has databases of
// its own, which are dropped in the end. Timings of one machine say little, so
// what counts are ratios within a run: the cases of a measurement take turns,
// round by round, each round begins with another one, and a figure is the median
// of the rounds with the smallest and the largest.
//
// A measurement is a small file here. It names its cases, says what each does in
// one round, and records figures; rounds, progress, report, table and plots are
// common to all.
package bench
