package destination

import (
	"context"
	"fmt"
	"time"
)

// Check is one thing that `contactsync doctor` looks at.
type Check struct {
	Area   string // a heading: the destination's label
	Name   string // unique within the area's checks
	Needs  []string
	Within time.Duration // its deadline; 0: the doctor's own
	Run    func(ctx context.Context) Finding
}

// Finding is what a check found.
type Finding struct {
	Level  Level
	Found  string // one line
	Remedy string // what to do about it; empty where all is well
}

// Level is how a check ended.
type Level string

// The levels.
const (
	OK         Level = "ok"
	Warning    Level = "warning" // works, but a person should know
	Failed     Level = "failed"
	NotChecked Level = "not checked" // another check's failure, or a setting, is in the way
)

// Fine is the finding where all is well.
func Fine(format string, args ...any) Finding {
	return Finding{Level: OK, Found: fmt.Sprintf(format, args...)}
}

// Warn is the finding of what works, but not as it should.
func Warn(remedy, format string, args ...any) Finding {
	return Finding{Level: Warning, Found: fmt.Sprintf(format, args...), Remedy: remedy}
}

// Fail is the finding of what does not work.
func Fail(remedy, format string, args ...any) Finding {
	return Finding{Level: Failed, Found: fmt.Sprintf(format, args...), Remedy: remedy}
}
