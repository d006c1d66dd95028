package app

import (
	"context"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/config"
)

// keyEvery is how often the file of a key is read. Its content is compared: the
// times and links of a file that a platform swaps say nothing reliable.
const keyEvery = time.Second

// rereading returns what reads the key again; nil where it does not come from a file.
func rereading(path string) func() (string, error) {
	if path == "" {
		return nil
	}
	return func() (string, error) {
		key, err := config.ReadKey(path)
		return key.Reveal(), err
	}
}

// watchKey takes up a new key soon after it was written, also while nothing is
// sent, so that a pause for the old one ends. It goes on until done is called.
func (w *worker) watchKey(ctx context.Context) (done func()) {
	if !w.settings.keyFile {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(keyEvery)
		defer tick.Stop()
		logged := false
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			changed, err := w.connection.refresh(ctx)
			if err != nil && !logged {
				w.log.WarnContext(ctx, w.info.Setting+"_FILE cannot be used, the last key stays in force", "error", err) //nolint:sloglint // the line is that of the destination
			}
			logged = err != nil
			if changed {
				select {
				case w.rekeyed <- struct{}{}:
				default: // the last one was not seen yet
				}
			}
		}
	})
	return func() {
		cancel()
		watching.Wait()
	}
}
