// Package deploy holds no program, only tests: that the files beside it and
// render.yaml are what their platforms take, and name settings that exist; and that
// the documents name files, tests and targets of make that exist. A mistake in them
// would show only in production.
package deploy
