// Package faults holds no program, only tests: one for each kind of trouble that
// production brings, against the built program, a real Postgres and the
// simulator, each with its figure. They stand in a room of their own because
// they prove a promise of the whole, which belongs to no package; docs/faults.md
// is their index.
//
// Without CONTACTSYNC_MEASURE=1 they are scaled down to what is enough to see
// the promise broken.
package faults
