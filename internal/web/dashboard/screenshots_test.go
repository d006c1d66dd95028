package dashboard_test

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// Pictures of the pages, for people who read about them: make screenshots. They are
// written to the folder that CONTACTSYNC_SCREENSHOTS names.
func TestScreenshots(t *testing.T) {
	t.Parallel()
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
	in.Await("14", `SELECT count(*)::text FROM contacts WHERE name LIKE 'Name %' AND hubspot_processing_status = 'Complete'`)
	in.Await("true", `SELECT (count(*) > 0)::text FROM contactsync.replicas WHERE daily_left IS NOT NULL AND listener`)
	failed := in.Ask(`SELECT id::text FROM contacts WHERE email = 'contact66@example.org'`)

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
		{"failures", "/failures", "dark", 1280, 0, 1},
		{"checks", "/checks", "light", 1280, 800, 1},
	} {
		b.look(shot.width, cmp.Or(shot.height, 900), shot.scale, shot.scheme)
		b.open(url + shot.path)
		if shot.path == "/" { // the past is left out where it cannot be added up in time
			for end := time.Now().Add(3 * progtest.Patience); try(b, chromedp.Evaluate[int]("document.querySelectorAll('.plot').length")) != 4; b.open(url) {
				if time.Now().After(end) {
					t.Fatalf("no plots for %s:\n%s", shot.name, b.text("main"))
				}
				time.Sleep(2 * time.Second)
			}
		}
		picture := chromedp.CaptureScreenshot()
		if shot.height == 0 {
			picture = chromedp.FullScreenshot(100)
		}
		if err := os.WriteFile(filepath.Join(dir, shot.name+".png"), small(t, try(b, picture)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b.quiet()
}

// small is a picture with its 256 most frequent colours alone, which is what a page
// of text has but for the edges of its letters, in a third of the bytes.
func small(t *testing.T, picture []byte) []byte {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	often := map[color.Color]int{}
	bounds := full.Bounds()
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			often[full.At(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(often), func(a, b color.Color) int { return often[b] - often[a] })
	palette := color.Palette(colors[:min(256, len(colors))])
	place := map[color.Color]uint8{}
	for _, c := range colors {
		place[c] = uint8(palette.Index(c)) //nolint:gosec // 256 at most
	}
	drawn := image.NewPaletted(bounds, palette)
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			drawn.SetColorIndex(x, y, place[full.At(x, y)])
		}
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, drawn); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
