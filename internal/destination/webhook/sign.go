package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// secretPrefix marks a secret whose key is written in base64, as Standard Webhooks
// has them.
const secretPrefix = "whsec_"

// secret signs requests. Its zero value signs none.
type secret struct {
	text string // as it was set, the bearer token
	key  []byte
}

// CheckSecret returns what is wrong with a secret, without repeating it.
func CheckSecret(text string) error {
	_, err := parseSecret(text)
	return err
}

func parseSecret(text string) (secret, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return secret{}, errors.New("holds a blank or a character beyond ASCII; it could not be sent as a bearer token")
	}
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return secret{text: text, key: []byte(text)}, nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return secret{}, errors.New("begins with " + secretPrefix + ", and what follows is not base64; copy it again")
	}
	return secret{text: text, key: key}, nil
}

// sign adds the headers of Standard Webhooks, and the bearer token.
func (s secret) sign(h http.Header, id string, at time.Time, body []byte) {
	moment := strconv.FormatInt(at.Unix(), 10)
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", moment)
	if s.text == "" {
		return
	}
	mac := hmac.New(sha256.New, s.key)
	fmt.Fprintf(mac, "%s.%s.%s", id, moment, body)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	h.Set("Authorization", "Bearer "+s.text)
}

// messageID names one request of a row: the same for all its attempts, so that a
// receiver can drop doubles, and another one for every later request. A request that
// the app repeats before the first one was sent is still that one; what is sent of it
// tells the two apart, should the first have left after all.
func messageID(c contact.Contact) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", c.ID, c.Request, c.Version))
	return "msg_" + hex.EncodeToString(sum[:16])
}
