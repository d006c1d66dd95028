// Package rehearsal holds no program, only tests: what docs/runbook.md tells
// people to do at 3 a.m. is done here first, command by command as it stands
// there, on a table that an app and another worker had before. A runbook that
// nobody has run is a guess.
package rehearsal
