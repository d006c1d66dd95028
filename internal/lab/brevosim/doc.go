// Package brevosim is a Brevo account for tests, demos and people with curl. It exists
// because nobody can test against the real one what must never happen there: it is as
// strict as Brevo is known to be (an attribute that does not exist vanishes, an update
// has no body, a bad phone number refuses the whole contact), counts what it was sent,
// and goes wrong on demand. Where Brevo's behaviour is not known, an option has both.
package brevosim
