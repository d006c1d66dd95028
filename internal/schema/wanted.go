package schema

// WantedIndex is an index that the queue's statements rely on.
type WantedIndex struct {
	Name string // in the schema of contacts
	On   string // columns and condition, as in CREATE INDEX ... ON contacts
}

// WantedIndexes lists the indexes that Up builds, for whoever looks whether they
// are still there.
func WantedIndexes() []WantedIndex {
	var list []WantedIndex
	for _, ix := range inUse() {
		list = append(list, WantedIndex{ix.name(), ix.on})
	}
	return list
}
