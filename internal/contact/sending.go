package contact

// Sending is what is about to be sent under one key.
type Sending struct {
	Key  string
	Hash []byte // of all that is told, but for the day; nil where that must not be remembered
}
