// Package soak holds no program, only one long test: the ledger. It plays other
// apps and the world against the built program, a real Postgres and the simulator
// for as long as it is told, and counts at the end whether anything was lost,
// overtaken, doubled without a reason or left behind.
//
// The other tests each know what they are looking for. This one does not: a seed
// chooses what the apps write and what breaks, so that troubles meet that nobody
// thought of together. What is right is decided by books that the program has no
// part in: Postgres itself writes down every committed change of a row (audit.sql),
// and the simulator every write that took effect.
//
// The seed fixes the schedule of faults and every choice of the writers; how their
// threads interleave is the machine's. So a failing seed is likely, not certain, to
// fail again.
package soak
