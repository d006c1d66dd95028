package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// How the pages follow: the database is asked once a second for all who watch, and
// not at all when nobody does.
const (
	lookEvery    = time.Second
	mostWatchers = 64 // streams at a time; each costs a connection
	keepAlive    = 15 * time.Second
	writeLimit   = 10 * time.Second
)

// lines has every line of a text end alike: in a stream of events a lone \r ends
// one, too, and what somebody wrote must not end an event.
var lines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// eventClear is the data that clears an earlier event "down"; browsers skip events
// without data.
const eventClear = "-"

// fragments are the parts of the overview that change, by the ids of their places.
var fragments = []string{"sentence", "tiles", "plots", "limits", "replicas", "cycles", "actions"}

// live is what all streams share.
type live struct {
	mu       sync.Mutex
	watchers int
	ended    bool
	wanted   chan struct{} // somebody began to watch
	changed  chan struct{} // closed and replaced when there is something new
	parts    map[string]string
	pulse    string // the sentence as every page has it
	beat     string // changes when contacts did
	down     string // the notice while the database does not respond
}

func newLive() *live {
	return &live{wanted: make(chan struct{}, 1), changed: make(chan struct{}), parts: map[string]string{}}
}

// Run asks the database while somebody watches, until the dashboard's life ends, and
// with it all streams.
func (d *Dashboard) Run() {
	ctx := d.life
	defer d.live.end()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if d.live.watched() {
			d.refresh(ctx)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			continue
		}
		select {
		case <-d.live.wanted:
		case <-ctx.Done():
			return
		}
	}
}

// refresh renders the present state and wakes the streams.
func (d *Dashboard) refresh(ctx context.Context) {
	g, err := d.queueState() //nolint:contextcheck // one query is for all, and has the life of the dashboard
	if err != nil {
		if ctx.Err() == nil {
			d.live.publish(nil, "", "", "The database cannot be reached: what you see is out of date. The page updates by itself once it is back.")
		}
		return
	}
	parts := make(map[string]string, len(fragments))
	data := d.overviewOf(g)
	for _, name := range fragments {
		html, err := d.pages.render("overview", name, data)
		if err != nil {
			d.Log.ErrorContext(ctx, "dashboard: cannot render part of the overview", "part", name, "error", err)
			return
		}
		parts[name] = string(html)
	}
	pulse, err := d.pages.render("overview", "pulse", g)
	if err != nil {
		d.Log.ErrorContext(ctx, "dashboard: cannot render part of the overview", "part", "pulse", "error", err)
		return
	}
	d.live.publish(parts, string(pulse), beatOf(g), "")
}

// beatOf changes when something happened to contacts, so that the pages about them
// ask again then, and only then.
func beatOf(g *queueState) string {
	cycle, action := int64(0), int64(0)
	if len(g.Cycles) > 0 {
		cycle = g.Cycles[0].ID
	}
	if len(g.Actions) > 0 {
		action = g.Actions[0].ID
	}
	q := g.Queue
	return fmt.Sprint(cycle, action, q.Due, q.Waiting, q.Processing, q.Error, q.InFlight, q.Quarantined)
}

func (l *live) watched() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.watchers > 0
}

func (l *live) publish(parts map[string]string, pulse, beat, down string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if parts != nil {
		l.parts, l.pulse, l.beat = parts, pulse, beat
	}
	l.down = down
	close(l.changed)
	l.changed = make(chan struct{})
}

// join admits one more watcher, unless there are too many or the end has come.
func (l *live) join() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || l.watchers >= mostWatchers {
		return false
	}
	l.watchers++
	select {
	case l.wanted <- struct{}{}:
	default:
	}
	return true
}

func (l *live) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watchers--
	if l.watchers == 0 {
		l.parts, l.pulse, l.beat, l.down = map[string]string{}, "", "", "" // old by the time somebody comes
	}
}

// end ends every stream.
func (l *live) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	close(l.changed)
	l.changed = make(chan struct{})
}

// news writes what differs from what a stream has sent, and returns a channel that is
// closed when there is more, and whether the streams have ended.
func (l *live) news(sent map[string]string, out *strings.Builder) (more <-chan struct{}, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	send := func(name, data string) {
		if had, ok := sent[name]; ok && had == data || data == "" || !ok && data == eventClear {
			return
		}
		sent[name] = data
		out.WriteString("event: " + name + "\n")
		for line := range strings.SplitSeq(lines.Replace(data), "\n") {
			out.WriteString("data: " + line + "\n")
		}
		out.WriteString("\n")
	}
	for name, html := range l.parts {
		send(name, html)
	}
	send("pulse", l.pulse)
	send("beat", l.beat)
	send("down", cmp.Or(l.down, eventClear))
	return l.changed, l.ended
}

// events is the stream.
func (d *Dashboard) events(w http.ResponseWriter, r *http.Request) {
	if !d.live.join() {
		http.Error(w, "too many open event streams", http.StatusServiceUnavailable)
		return
	}
	defer d.live.leave()
	rc := http.NewResponseController(w)
	// The server's limits are for requests that end.
	if rc.SetReadDeadline(time.Time{}) != nil {
		http.Error(w, "this server cannot stream", http.StatusNotImplemented)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would wait for more
	sent := map[string]string{}
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	var out strings.Builder
	out.WriteString("retry: 2000\n\n")
	for {
		more, ended := d.live.news(sent, &out)
		if out.Len() > 0 {
			if rc.SetWriteDeadline(time.Now().Add(writeLimit)) != nil {
				return
			}
			if _, err := w.Write([]byte(out.String())); err != nil || rc.Flush() != nil {
				return
			}
			out.Reset()
		}
		if ended {
			return
		}
		select {
		case <-more:
		case <-alive.C:
			out.WriteString(": still here\n\n")
		case <-r.Context().Done():
			return
		}
	}
}
