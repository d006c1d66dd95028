// Package orms runs apps on well-known ORMs against the program: their migrations before
// and after contactsync's, what they would change when they compare their models with the
// database, and every way in which they write. docs/orms.md says what came of it. `make
// orms` runs it, because it needs what other languages have; .ci/setup orms installs that.
package orms
