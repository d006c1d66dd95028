package dashboard_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

func TestMain(m *testing.M) {
	code := progtest.Main(m)
	os.Exit(code)
}

// tab is a window of a real browser, with what it complained about.
type tab struct {
	*testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	mayMiss    bool // answers that are no success are wanted
}

// openBrowser starts a browser with one window.
func openBrowser(t *testing.T) *tab {
	t.Helper()
	needs.Time(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(needs.Program(t, needs.Chromium)), chromedp.NoSandbox, chromedp.WindowSize(1280, 900),
		chromedp.Flag("force-color-profile", "srgb"), chromedp.WSURLReadTimeout(progtest.Patience))
	allocator, free := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, closeTab := chromedp.NewContext(allocator)
	b := &tab{T: t, ctx: ctx}
	var hearing sync.WaitGroup
	messages := chromedp.Console(ctx)
	hearing.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.hear(m)
		}
	})
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser to end
		closeTab()
		free()
		hearing.Wait()
	})
	return b
}

// hear collects what must not happen on any page: errors of scripts, violations of
// the policy, files that are missing.
func (b *tab) hear(m chromedp.ConsoleMessage) {
	if m.Type == "info" || m.Type == "debug" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mayMiss && strings.Contains(m.Text, "Failed to load resource") {
		return
	}
	b.complaints = append(b.complaints, fmt.Sprintf("%s (%s)", m, m.URL))
}

// quiet checks that the browser had nothing to complain about.
func (b *tab) quiet() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, said := range b.complaints {
		b.Errorf("the browser complains: %s", said)
	}
}

// try takes a step in the browser, within the patience of a test.
func try[T any](b *tab, step chromedp.Action[T]) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, progtest.Patience)
	defer cancel()
	got, err := chromedp.Run(ctx, step)
	if err != nil {
		page, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		b.Fatalf("in the browser: %v\n%s", err, page)
	}
	return got
}

// do takes steps.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	try(b, chromedp.Steps(steps...))
}

// open opens a page and answers its status.
func (b *tab) open(url string) int64 {
	b.Helper()
	return try(b, chromedp.NavigateResponse(url)).Status
}

// look makes the window one of a size, of a phone where it is narrow, and of a
// person who likes it light or dark.
func (b *tab) look(width, height int64, scale float64, scheme string) {
	b.Helper()
	options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(scale)}
	if width < 500 {
		options = append(options, chromedp.EmulateMobile)
	}
	b.do(chromedp.EmulateViewport(width, height, options...), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// text is what a person reads in an element.
func (b *tab) text(selector string) string {
	b.Helper()
	return try(b, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q).innerText", selector)))
}

// await waits until an element says something.
func (b *tab) await(selector, text string) {
	b.Helper()
	script := fmt.Sprintf("[...document.querySelectorAll(%q)].some(e => e.innerText.includes(%q))", selector, text)
	try(b, chromedp.Poll[bool](script, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(progtest.Patience)))
}

// press clicks on what a selector finds and waits for the page that comes.
func (b *tab) press(selector string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, progtest.Patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, clickOn(selector)); err != nil {
		b.Fatalf("press %s: %v", selector, err)
	}
}

// click clicks on what a selector finds.
func (b *tab) click(selector string) { b.Helper(); b.do(clickOn(selector)) }

// clickOn clicks on the first element of a selector, once it can be seen and nothing
// covers it. The page finds the element and clicks on it in one step of its own. So
// the click arrives also where a page replaces the element all the time: between
// two calls from outside the element may be gone, or something else in its place.
func clickOn(selector string) chromedp.Action[chromedp.Void] {
	clicked := chromedp.Evaluate[bool](fmt.Sprintf(`(() => {
		for (const e of document.querySelectorAll(%q)) {
			e.scrollIntoView({ block: "nearest", behavior: "instant" });
			const box = e.getClientRects()[0];
			if (!box) continue;
			const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
			if (!e.contains(top)) continue;
			e.click();
			return true;
		}
		return false;
	})()`, selector))
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for { // from here, not in the page: its timers rest where scripts are forbidden
			if done, err := clicked(ctx, t); done || err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("nothing to click on: %w", ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
}

// A click arrives, and once, on what the page replaces all the time.
func TestClick(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	b.open(`data:text/html,<div id="box"></div><script>
		let clicks = 0;
		box.onclick = (e) => { if (e.target.tagName === "BUTTON") clicks++; };
		setInterval(() => { box.innerHTML = "<button>Press</button>"; });
	</script>`)
	for range 20 {
		b.click("button")
	}
	if got := try(b, chromedp.Evaluate[int]("clicks")); got != 20 {
		t.Errorf("%d clicks arrived, want 20", got)
	}
	b.quiet()
}

// A click waits for what is not there yet, cannot be seen, or is covered.
func TestClickWaits(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	b.open(`data:text/html,<div id="box"></div><div id="cover" style="position:fixed;inset:0"></div><script>
		let clicks = 0, early = 0, ready = false;
		const steps = [
			() => { box.innerHTML = "<button hidden>Press</button>"; },
			() => { box.firstChild.hidden = false; },
			() => { ready = true; cover.remove(); },
		];
		box.onclick = () => { if (ready) clicks++; else early++; };
		const again = setInterval(() => { steps.shift()(); if (!steps.length) clearInterval(again); }, 100);
	</script>`)
	b.click("button")
	if got := try(b, chromedp.Evaluate[string]("clicks + ' ' + early")); got != "1 0" {
		t.Errorf("clicks in time and too early: %s, want 1 0", got)
	}
	b.quiet()
}

// withoutScripts keeps pages from running any.
func (b *tab) withoutScripts() {
	b.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// signIn gives the browser a name and a password, as if somebody had typed them.
func (b *tab) signIn(user, password string) {
	b.Helper()
	login := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
			Headers: network.Headers{"Authorization": "Basic " + login},
		})
		return err
	}))
}

// address starts the program and answers where its pages are.
func address(in *progtest.Installation, env ...string) (url string, p *progtest.Process) {
	in.Helper()
	p = in.Start(in.Env(env...), "run")
	addr, _ := p.Wait("serving HTTP", 1)[0]["addr"].(string)
	return "http://" + addr, p
}
