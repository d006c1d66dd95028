package contact

import (
	"reflect"
	"testing"
	"time"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	batch := []Contact{
		{ID: "1", Email: "A@x.org ", Name: "old", Phone: "1", Extra: []string{"old", "1", ""}, UpdatedAt: early},
		{ID: "2", Email: "", Name: "nobody"},
		{ID: "3", Email: "b@x.org"},
		{ID: "4", Email: "a@X.org", Name: "new", Extra: []string{"new", "", ""}, UpdatedAt: late},
		{ID: "5", Email: "  ", Name: "nobody too"},
		{ID: "6", Email: "B@x.org", Name: "tie"},
	}
	got := Merge(batch)
	want := []Group{
		{Contact: Contact{ID: "4", Email: "a@X.org", Name: "new", Phone: "1", Extra: []string{"new", "1", ""}, UpdatedAt: late}, Rows: []int{0, 3}},
		{Contact: batch[1], Rows: []int{1}},
		{Contact: batch[5], Rows: []int{2, 5}},
		{Contact: batch[4], Rows: []int{4}},
	}
	if batch[3].Extra[1] != "" {
		t.Error("merging has changed a row of the batch")
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Merge:\n got %+v\nwant %+v", got, want)
	}
}
