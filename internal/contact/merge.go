package contact

import "slices"

// Group is what is sent once: one contact, and the places in the batch of all
// rows that it stands for.
type Group struct {
	Contact Contact
	Rows    []int // indexes into the batch; all of them take the same outcome
}

// Merge puts rows with equal emails together, because a destination rejects a
// whole batch for one repeated key. The values of the newest row are sent; what it
// leaves blank is filled from the others, newest first. Rows without an email stay alone.
// Groups keep the order in which their first row stands in the batch.
func Merge(batch []Contact) []Group {
	groups := make([]Group, 0, len(batch))
	byKey := make(map[string]int, len(batch))
	for i, c := range batch {
		key := c.Key()
		at, seen := byKey[key]
		if key == "" || !seen {
			byKey[key] = len(groups)
			groups = append(groups, Group{Contact: c, Rows: []int{i}})
			continue
		}
		groups[at].Rows = append(groups[at].Rows, i)
	}
	for g := range groups {
		if len(groups[g].Rows) > 1 {
			groups[g].Contact = newestOver(batch, groups[g].Rows)
		}
	}
	return groups
}

func newestOver(batch []Contact, rows []int) Contact {
	order := slices.Clone(rows)
	slices.SortStableFunc(order, func(a, b int) int {
		// A later row of the batch was queued later: it wins a tie.
		if c := batch[b].UpdatedAt.Compare(batch[a].UpdatedAt); c != 0 {
			return c
		}
		return b - a
	})
	merged := batch[order[0]]
	merged.Extra = slices.Clone(merged.Extra) // do not write to the row itself
	for _, i := range order[1:] {
		older := batch[i]
		fill(&merged.Name, older.Name)
		fill(&merged.Phone, older.Phone)
		fill(&merged.DomainID, older.DomainID)
		fill(&merged.PageID, older.PageID)
		for i := range merged.Extra {
			fill(&merged.Extra[i], older.Extra[i])
		}
	}
	return merged
}

func fill(to *string, from string) {
	if *to == "" {
		*to = from
	}
}
