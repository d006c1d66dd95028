package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// assets are the files beside the pages. Each has a name that changes with its
// content, so that browsers keep it for good and never mix two versions.
type assets struct {
	byName map[string]asset  // the name in the URL
	urls   map[string]string // the URL of a file
}

type asset struct {
	body []byte
	kind string
}

func newAssets() (assets, error) {
	a := assets{byName: map[string]asset{}, urls: map[string]string{}}
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		return a, err
	}
	for _, entry := range entries {
		body, err := staticFiles.ReadFile("static/" + entry.Name())
		if err != nil {
			return a, err
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(entry.Name())
		name := strings.TrimSuffix(entry.Name(), ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		a.byName[name] = asset{body, mime.TypeByExtension(ext)}
		a.urls[entry.Name()] = "/static/" + name
	}
	return a, nil
}

func (a assets) serve(w http.ResponseWriter, r *http.Request) {
	file, ok := a.byName[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", file.kind)
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	_, _ = w.Write(file.body) // whoever asked has gone
}
