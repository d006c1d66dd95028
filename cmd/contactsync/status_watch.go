package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/scrapersky/contactsync/internal/printable"
)

// watchEvery is how often a watched status is shown anew.
const watchEvery = 2 * time.Second

// What a terminal is told: a screen of its own, without a cursor and without
// wrapped lines, on which each view is drawn over the last one, line by line, so
// that nothing flickers.
const (
	openScreen  = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	closeScreen = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	screenTop   = "\x1b[H"
	lineEnd     = "\x1b[K\r\n"
	screenRest  = "\x1b[K\x1b[J"
)

// watchStatus shows the status until Ctrl-C, which is how it is meant to end. A
// database that goes away meanwhile is waited for.
func (p *program) watchStatus(ctx context.Context, look func(ctx context.Context) (view, error), asJSON bool) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	w := &watcher{p: p, asJSON: asJSON, inPlace: isTerminal(p.stdout) && !asJSON}
	defer w.end()
	again := time.NewTicker(watchEvery)
	defer again.Stop()
	for first := true; ; first = false {
		v, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && first:
			return err
		case err != nil:
			w.complain(err)
		default:
			if err := w.show(v); err != nil {
				return err
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// watcher shows one status after the other.
type watcher struct {
	p       *program
	asJSON  bool
	inPlace bool
	last    []byte // the text on the screen
}

func (w *watcher) show(v view) error {
	if w.asJSON {
		return json.NewEncoder(w.p.stdout).Encode(v)
	}
	var text bytes.Buffer
	if err := writeStatus(&text, v, colorful(w.p.stdout)); err != nil {
		return err
	}
	now := v.At.Local().Format(time.DateTime)
	if !w.inPlace {
		_, err := say(w.p.stdout, "%s\n%s\n", now, text.Bytes())
		return err
	}
	open := ""
	if w.last == nil {
		open = openScreen
	}
	w.last = text.Bytes()
	_, err := say(w.p.stdout, "%s%s", open, onScreen(fmt.Appendf(nil, "%s  (Ctrl-C ends)\n\n%s", now, w.last), height(w.p.stdout)))
	return err
}

// complain tells that there is nothing new to show, and why.
func (w *watcher) complain(err error) {
	if w.inPlace {
		say(w.p.stdout, "%s", onScreen(fmt.Appendf(nil, "%s; trying again  (Ctrl-C ends)\n\n%s", printable.Error(err), w.last), height(w.p.stdout)))
	} else {
		say(w.p.stderr, "contactsync: %s\n", err)
	}
}

// end leaves what was seen last on the terminal.
func (w *watcher) end() {
	if w.inPlace && w.last != nil {
		say(w.p.stdout, "%s%s", closeScreen, w.last)
	}
}

// onScreen draws a text from the top, over what is there, as far as there is room.
func onScreen(text []byte, height int) []byte {
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	lines = lines[:min(len(lines), height)]
	return fmt.Appendf(nil, "%s%s%s", screenTop, bytes.Join(lines, []byte(lineEnd)), screenRest)
}
