package api

import "testing"

// A name that looks like HubSpot's hint must not lead to another contact.
func TestExistingIDIsTheLastOne(t *testing.T) {
	t.Parallel()
	tests := []struct{ body, want string }{
		{`{"message":"Contact Existing ID: 1 of 'x' already exists. Existing ID: 22"}`, "22"},
		{`{"message":"Existing ID: 1","context":{"existingId":["33"]}}`, "33"},
		{`{"message":"Existing ID: 1","errors":[{"context":{"existingId":"44"}}]}`, "44"},
		{`{"message":"x","errors":[{"message":"existing id:55"}]}`, "55"},
		{`{"message":"x","context":{"existingId":["../../companies/1"]}}`, ""},
		{`{"message":"Contact already exists."}`, ""},
	}
	for _, test := range tests {
		if got := parseProblem([]byte(test.body)).existingID(); got != test.want {
			t.Errorf("%s: %q, want %q", test.body, got, test.want)
		}
	}
}
