package contact

// Sending is what is about to be sent under one key.
type Sending struct {
	Key  string
	Hash []byte // of all that is sent, except the day; nil where it must not be remembered
}
