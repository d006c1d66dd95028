package destination

// Step is one thing that a set-up looked at.
type Step struct {
	Kind string // what it is: "property", "group"
	Name string
	Type string // the one it has, or gets; empty where there are no types
	Done Done
	Why  string // what is wrong with one that exists
}

// Done is what a set-up did about one thing.
type Done string

// What can become of a thing.
const (
	DoneExists   Done = "exists"
	DoneCreated  Done = "created"
	DoneWould    Done = "would create" // a dry run
	DoneMisfit   Done = "misfit"       // it exists, and values will be refused
	DoneTolerate Done = "tolerable"    // it exists, is not as it should be, and takes every value
)
