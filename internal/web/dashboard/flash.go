package dashboard

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
)

// flash is a message about what was just done. A page shows it once.
type flash struct {
	Good bool   `json:"good"`
	Text string `json:"text"`
}

// flashCookie carries it over the redirect. No page of another site can set or
// read it.
const flashCookie = "contactsync-flash"

func giveFlash(w http.ResponseWriter, r *http.Request, f flash) {
	text, err := json.Marshal(f)
	if err != nil {
		return // a struct of a bool and a text
	}
	http.SetCookie(w, flashing(r, base64.RawURLEncoding.EncodeToString(text), 60))
}

func takeFlash(w http.ResponseWriter, r *http.Request) *flash {
	cookie, err := r.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(w, flashing(r, "", -1))
	text, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	f := new(flash)
	if err != nil || json.Unmarshal(text, f) != nil || f.Text == "" {
		return nil
	}
	return f
}

func flashing(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: flashCookie, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	}
}
