package dashboard

import (
	"strings"
	"testing"
)

// What somebody wrote ends no event, whatever it takes for the end of a line.
func TestNoTextEndsAnEvent(t *testing.T) {
	t.Parallel()
	l := newLive()
	l.publish(map[string]string{"sentence": "one\r\revent: down\rdata: all is lost\r\ntwo"}, "", "", "")
	var out strings.Builder
	l.news(map[string]string{}, &out)
	want := "event: sentence\ndata: one\ndata: \ndata: event: down\ndata: data: all is lost\ndata: two\n\n"
	if got := out.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
