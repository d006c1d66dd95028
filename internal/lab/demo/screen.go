package demo

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// screen prints one line at a time, each with the seconds since the start.
type screen struct {
	mu    sync.Mutex
	out   io.Writer
	color bool
	began time.Time
}

func newScreen(out io.Writer, color bool) *screen {
	return &screen{out: out, color: color, began: time.Now()}
}

// Styles are the terminal's: what the eye is to find first is bright.
const (
	styleTitle  = "1"    // bold
	styleAct    = "1;36" // bold cyan
	styleNote   = "2"    // faint
	styleGood   = "32"   // green
	styleBad    = "31"   // red
	styleNormal = ""
)

func (s *screen) title(text string) { s.print(styleTitle, text) }

// act is what somebody does.
func (s *screen) act(text string) { s.print(styleAct, "▶ "+text) }

// note is what is good to know.
func (s *screen) note(format string, args ...any) {
	s.print(styleNote, "  "+fmt.Sprintf(format, args...))
}

func (s *screen) line(style, format string, args ...any) {
	s.print(style, "  "+fmt.Sprintf(format, args...))
}

func (s *screen) print(style, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := fmt.Sprintf("%6.2fs ", time.Since(s.began).Seconds())
	if s.color && style != styleNormal {
		text = "\x1b[" + style + "m" + text + "\x1b[0m"
	}
	if s.color {
		at = "\x1b[2m" + at + "\x1b[0m"
	}
	_, _ = fmt.Fprintln(s.out, at+text)
}

// brief is a duration as people read it.
func brief(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(10 * time.Millisecond).String()
	}
}
