package api

import (
	"html"
	"mime"
	"regexp"
	"strings"
)

// isPage reports whether an answer is text for people, such as that of a firewall.
func isPage(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "text/html" || kind == "text/plain")
}

// notText is what of a page people do not read.
var notText = regexp.MustCompile(`(?is)<script\b.*?</script>|<style\b.*?</style>|<!--.*?-->|<[^>]*>`)

// mostOfPage bounds what is told of a page, in bytes. Its beginning says what it is.
const mostOfPage = 300

// pageText returns what a page says, on one line.
func pageText(body []byte) string {
	body = body[:min(len(body), 16<<10)]
	text := strings.Join(strings.Fields(html.UnescapeString(notText.ReplaceAllString(string(body), " "))), " ")
	if len(text) > mostOfPage {
		text = strings.ToValidUTF8(text[:mostOfPage], "") + "…"
	}
	return text
}
