package postgres

// What the tests of this package's outside need from its inside.
var FindPrograms = findPrograms
