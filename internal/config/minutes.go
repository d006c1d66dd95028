package config

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// minutesSuffix marks the variables whose bare numbers are minutes.
const minutesSuffix = "_MINUTES"

var errMinutes = errors.New("neither a number of minutes nor a duration")

// asMinutes is an envconfig mutator: it turns the value of a variable in minutes
// into the text of a duration.
func asMinutes(_ context.Context, name, _, _, text string) (duration string, stop bool, err error) {
	if !strings.HasSuffix(name, minutesSuffix) {
		return text, false, nil
	}
	d, err := parseMinutes(text)
	if err != nil {
		return "", true, err
	}
	return d.String(), false, nil
}

// parseMinutes reads 5 and 0.05 as minutes, and 3s as three seconds.
func parseMinutes(text string) (time.Duration, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	minutes, err := strconv.ParseFloat(text, 64)
	nanos := minutes * float64(time.Minute)
	if err != nil || math.IsNaN(nanos) || math.Abs(nanos) >= math.MaxInt64 {
		return 0, errMinutes
	}
	return time.Duration(math.Round(nanos)), nil
}
