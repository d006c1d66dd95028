package api

import (
	"testing"
	"time"
)

func TestUntilMidnight(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		now  time.Time
		want time.Duration
	}{
		{time.Date(2026, 6, 1, 12, 0, 0, 0, berlin), 12*time.Hour + resetMargin},
		{time.Date(2026, 6, 1, 23, 59, 59, 0, berlin), time.Second + resetMargin},
		{time.Date(2026, 6, 1, 0, 0, 5, 0, berlin), resetDoubt}, // by HubSpot's clock it may be yesterday
		{time.Date(2026, 3, 29, 1, 0, 0, 0, berlin), 22*time.Hour + resetMargin},
		{time.Date(2026, 10, 25, 1, 0, 0, 0, berlin), 24*time.Hour + resetMargin},
	}
	for _, test := range tests {
		if got := untilMidnight(test.now); got != test.want {
			t.Errorf("%v: %v, want %v", test.now, got, test.want)
		}
	}
}
