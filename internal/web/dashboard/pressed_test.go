package dashboard_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// What a mouse holds down is not replaced under it, although the server has news of
// it: the click arrives, and the news with it.
func TestPressedPartStays(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	url, _ := address(in)
	in.AwaitAsleep()
	b := openBrowser(t)
	b.open(url)
	b.await(".sentence", "Healthy")
	try(b, chromedp.Poll[bool](`document.documentElement.dataset.live === "on"`, chromedp.WithPollingTimeout(progtest.Patience)))
	at := try(b, chromedp.Evaluate[[]float64](`(() => {
		const box = document.querySelector('a[href="/pause"]').getBoundingClientRect();
		return [box.x + box.width / 2, box.y + box.height / 2];
	})()`))

	b.mouse(chromedp.MousePressed, at[0], at[1])
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('nonsense', 'Bad', 'Queued')`)
	try(b, chromedp.Poll[bool](`held.has("sentence")`, chromedp.WithPollingTimeout(progtest.Patience)))
	if text := b.text(".sentence"); !strings.HasPrefix(text, "Healthy") {
		t.Errorf("the pressed part is replaced: %s", text)
	}
	b.mouse(chromedp.MouseReleased, at[0], at[1])
	b.await("dialog[open] h1", "Pause the sync?")
	b.await(".sentence", "1 contact is in Error")
	b.quiet()
}

// mouse presses or releases the button of a real mouse.
func (b *tab) mouse(kind input.DispatchMouseEventType, x, y float64) {
	b.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, input.DispatchMouseEvent, input.DispatchMouseEventParams{
			Type: kind, X: x, Y: y, Button: input.MouseButtonLeft, ClickCount: 1,
		})
		return err
	}))
}
