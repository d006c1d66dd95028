package contact

import "errors"

// ErrTrouble says that the database refused a statement for a reason of its own:
// it has no space or memory, takes no writes, cut the statement or rolled it back.
// No row is to blame, and trying again later is all there is to do. The session
// lives on.
var ErrTrouble = errors.New("the database is in trouble")

// ErrNotSent says that a request was held back on this side, because the right to
// send it was in question. Whoever was to receive it knows nothing of it.
var ErrNotSent = errors.New("request not sent")
