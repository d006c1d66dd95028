package api

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestTexts has texts read as encoding/json reads them, however they are
// written, and numbers as they stand.
func TestTexts(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]Text{
		`""`: "", `"plain"`: "plain", `"größe"`: "größe", `"a \"quoted\" \\ word"`: `a "quoted" \ word`,
		`"\u00e9\ud83d\ude00"`: "é😀", `"\ud83d"`: "\ufffd", "\"\xff\"": "\ufffd", `"` + "\u2028" + `"`: "\u2028",
		` "blanks around" `: "blanks around", `1`: "1", `50000000001`: "50000000001", `1e3`: "1e3",
		`null`: "", `true`: "", `[]`: "", `{"a":"b"}`: "",
	} {
		var got Text
		if err := json.Unmarshal([]byte(data), &got); err != nil || got != want {
			t.Errorf("%s: got %q and %v, want %q", data, got, err, want)
		}
	}
}

// TestLists has one item of another type cost no other item.
func TestLists(t *testing.T) {
	t.Parallel()
	for data, want := range map[string][]Text{
		`[{"id":"1"},{"id":2}]`: {"1", "2"}, `[{"id":"1"},"x",3,[],{"id":"2"}]`: {"1", "2"},
		`[{"id":"1"},null,{"id":{}},{"id":"2","properties":5}]`: {"1", "", "", "2"},
		`{"id":"1"}`: nil, `"x"`: nil, `null`: nil, `[]`: nil,
	} {
		var all List[Result]
		if err := json.Unmarshal([]byte(data), &all); err != nil {
			t.Errorf("%s: %v", data, err)
		}
		var ids []Text
		for i := range all {
			ids = append(ids, all[i].ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s: got %q, want %q", data, ids, want)
		}
	}
}
