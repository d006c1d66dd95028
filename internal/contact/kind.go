package contact

// Kind is what an extra column of the row holds, as far as a destination cares.
// The values themselves are texts.
type Kind string

// The kinds. Where nobody has looked the kind is empty.
const (
	KindText   Kind = "text"
	KindUUID   Kind = "uuid"
	KindNumber Kind = "number"    // decimal, without an exponent
	KindBool   Kind = "boolean"   // true or false
	KindDay    Kind = "date"      // YYYY-MM-DD
	KindTime   Kind = "timestamp" // ISO 8601, UTC, to the millisecond
	KindList   Kind = "list"      // its elements with ; between them
)
