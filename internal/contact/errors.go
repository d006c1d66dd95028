package contact

import "errors"

// ErrTrouble means that the database refused a statement for a reason of its own: it
// has no space or memory, is read-only, cancelled the statement or rolled it back. No
// row is to blame, the session lives on, and the only remedy is to try again later.
var ErrTrouble = errors.New("the database is in trouble")

// ErrVetoed means that a trigger of the app skips the write of a row. No other outcome
// would be written either, and the only remedy is to try again until it does not.
var ErrVetoed = errors.New("vetoed by a trigger")

// ErrNotSent means that a request was held back on this side, because the lease was
// no longer certain. The destination has received nothing.
var ErrNotSent = errors.New("request not sent")
