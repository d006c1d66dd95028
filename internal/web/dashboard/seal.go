package dashboard

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"sync"
	"time"
)

// seal signs what this dashboard gives a browser to keep. A cookie needs that, because
// cookies know no ports: whatever else runs on this host can set ours, and is sent them.
type seal struct {
	key func() []byte // derived when it is needed first
}

// stretching is how many rounds of SHA-256 lie between the password and the key, so
// that whoever gets hold of a cookie cannot try passwords on it at any speed. They take
// some tenths of a second, once in a process.
const stretching = 600_000

// newSeal makes the same seal in all replicas with one password. Without a password the
// key is of this process alone.
func newSeal(password string) *seal {
	return &seal{key: sync.OnceValue(func() []byte {
		if password != "" {
			key, err := pbkdf2.Key(sha256.New, password, []byte("contactsync dashboard 1"), stretching, sha256.Size)
			if err == nil { // only a policy about cryptography makes it fail
				return key
			}
		}
		key := make([]byte, sha256.Size)
		_, _ = rand.Read(key) // never fails
		return key
	})}
}

// sign returns text in a form for a cookie, which holds for this purpose and until then.
func (s *seal) sign(purpose, text string, until time.Time) string {
	body := append(binary.BigEndian.AppendUint64(nil, uint64(until.Unix())), text...)
	return encoding.EncodeToString(body) + "." + encoding.EncodeToString(s.mac(purpose, body))
}

// open returns what was signed for this purpose, and until when it holds; an empty text
// for anything else.
func (s *seal) open(purpose, signed string) (text string, until time.Time) {
	first, second, _ := strings.Cut(signed, ".")
	body, err := encoding.DecodeString(first)
	if err != nil || len(body) < 8 {
		return "", time.Time{}
	}
	mac, err := encoding.DecodeString(second)
	if err != nil || !hmac.Equal(mac, s.mac(purpose, body)) {
		return "", time.Time{}
	}
	until = time.Unix(int64(binary.BigEndian.Uint64(body)), 0)
	if !time.Now().Before(until) {
		return "", time.Time{}
	}
	return string(body[8:]), until
}

func (s *seal) mac(purpose string, body []byte) []byte {
	m := hmac.New(sha256.New, s.key())
	m.Write([]byte(purpose + "\x00"))
	m.Write(body)
	return m.Sum(nil)
}

var encoding = base64.RawURLEncoding.Strict()

// kept makes a cookie that a script cannot read and that no other site makes a browser
// send. A negative age takes it away.
func kept(r *http.Request, name, value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(age / time.Second), HttpOnly: true, SameSite: http.SameSiteStrictMode,
		// Whoever makes that header up only keeps the cookie from himself.
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
	if age < 0 {
		c.MaxAge = -1
	}
	return c
}
