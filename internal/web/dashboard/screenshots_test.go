package dashboard_test

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// Pictures of the pages, for people who read about them: make screenshots. They are
// written to the folder that CONTACTSYNC_SCREENSHOTS names.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("CONTACTSYNC_SCREENSHOTS")
	if dir == "" {
		t.Skip("make screenshots")
	}
	in := scene(t)
	url, _ := address(in)
	_, second := address(in)
	second.Wait("HubSpot sync scheduler job registered successfully", 1)
	in.AwaitAsleep()
	in.Queue(14)
	in.Await("14", `SELECT count(*)::text FROM contacts WHERE email LIKE 'c%' AND hubspot_processing_status = 'Complete'`)
	in.Await("true", `SELECT (count(*) > 0)::text FROM contactsync.replicas WHERE daily_left IS NOT NULL AND listener`)
	failed := in.Ask(`SELECT id::text FROM contacts WHERE email = 'noor.haddad@example.org'`)

	b := openBrowser(t)
	for _, shot := range []struct {
		name, path, scheme string
		width, height      int64
		scale              float64
	}{
		{"overview", "/", "light", 1280, 0, 1},
		{"overview-dark", "/", "dark", 1280, 0, 1},
		{"overview-phone", "/", "light", 375, 812, 2},
		{"contacts", "/contacts", "light", 1280, 800, 1},
		{"contacts-phone", "/contacts?status=Error", "dark", 375, 812, 2},
		{"contact", "/contacts/" + failed, "light", 1280, 0, 1},
		{"contact-phone", "/contacts/" + failed, "light", 375, 812, 2},
		{"failures", "/failures", "light", 1280, 0, 1},
		{"failures-dark", "/failures", "dark", 1280, 0, 1},
	} {
		b.look(shot.width, cmp.Or(shot.height, 900), shot.scale, shot.scheme)
		b.open(url + shot.path)
		picture := chromedp.CaptureScreenshot()
		if shot.height == 0 {
			picture = chromedp.FullScreenshot(100)
		}
		if err := os.WriteFile(filepath.Join(dir, shot.name+".png"), try(b, picture), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b.quiet()
}
