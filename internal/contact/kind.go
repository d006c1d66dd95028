package contact

// Kind is the type of an extra column, as far as a destination cares. The values
// themselves are texts.
type Kind string

// The kinds. A column whose type was not read has none.
const (
	KindText   Kind = "text"
	KindUUID   Kind = "uuid"
	KindNumber Kind = "number"    // decimal, without an exponent
	KindBool   Kind = "boolean"   // true or false
	KindDay    Kind = "date"      // YYYY-MM-DD
	KindTime   Kind = "timestamp" // ISO 8601, UTC, to the millisecond
	KindList   Kind = "list"      // its elements with ; between them
)
