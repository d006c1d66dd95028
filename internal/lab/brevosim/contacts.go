package brevosim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Contact is one of the account.
type Contact struct {
	ID          int64          `json:"id"`
	Email       string         `json:"email"`
	Attributes  map[string]any `json:"attributes"` // SMS among them, without a plus
	Lists       []int64        `json:"listIds"`
	Blacklisted bool           `json:"emailBlacklisted"`
	SMSBlocked  bool           `json:"smsBlacklisted"`
	CreatedAt   string         `json:"createdAt"`
	ModifiedAt  string         `json:"modifiedAt"`
}

// Contact returns the one of an email.
func (s *Sim) Contact(email string) (Contact, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.contacts[strings.ToLower(email)]
	if !ok {
		return Contact{}, false
	}
	copied := *c
	copied.Attributes = maps.Clone(c.Attributes)
	return copied, true
}

// Block puts a contact on the account's blocklist, as an unsubscription does.
func (s *Sim) Block(email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contacts[email].Blacklisted = true
}

// upsertBody are the members that POST /contacts takes.
type upsertBody struct {
	Email            *string        `json:"email"`
	Attributes       map[string]any `json:"attributes"`
	ListIDs          []int64        `json:"listIds"`
	UpdateEnabled    bool           `json:"updateEnabled"`
	GetID            bool           `json:"getId"`
	EmailBlacklisted *bool          `json:"emailBlacklisted"`
	SMSBlacklisted   *bool          `json:"smsBlacklisted"`
}

// sound is what Brevo takes for an address: less than the grammar allows.
var sound = regexp.MustCompile(`^[^\s@"(),:;<>\[\]\\]+@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`)

func (s *Sim) upsert(body []byte) answer {
	var given map[string]json.RawMessage
	var b upsertBody
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if !utf8.Valid(body) || json.Unmarshal(body, &given) != nil {
		return *refusal(http.StatusBadRequest, "bad_request", "Input must be a valid JSON object")
	}
	for name, value := range given {
		if string(value) == "null" {
			return *refusal(http.StatusBadRequest, "invalid_parameter", name+" should not be null")
		}
	}
	if err := decoder.Decode(&b); err != nil {
		return *refusal(http.StatusBadRequest, "invalid_parameter", err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.Email == nil {
		return *refusal(http.StatusBadRequest, "missing_parameter", "email is missing")
	}
	email := strings.ToLower(*b.Email)
	if _, err := mail.ParseAddress(email); err != nil || !sound.MatchString(email) {
		return *refusal(http.StatusBadRequest, "invalid_parameter", "Invalid email address")
	}
	known := s.contacts[email]
	if known != nil && !b.UpdateEnabled {
		return *duplicate("duplicate_parameter", "email is already associated with another Contact", "email")
	}
	for _, id := range b.ListIDs {
		if !slices.Contains(s.lists, id) {
			return *refusal(http.StatusBadRequest, "invalid_parameter", fmt.Sprintf("List with id %d does not exist", id))
		}
	}
	taken, bad := s.take(email, b.Attributes)
	if bad != nil {
		return *bad
	}
	now := time.Now().UTC().Format(time.RFC3339)
	created := known == nil
	if created {
		s.lastID++
		known = &Contact{ID: 100 + s.lastID, Email: email, Attributes: map[string]any{}, Lists: []int64{}, CreatedAt: now}
		s.contacts[email] = known
	}
	known.ModifiedAt = now
	maps.Copy(known.Attributes, taken)
	for _, id := range b.ListIDs {
		if !slices.Contains(known.Lists, id) {
			known.Lists = append(known.Lists, id)
		}
	}
	if b.EmailBlacklisted != nil {
		known.Blacklisted = *b.EmailBlacklisted
	}
	if b.SMSBlacklisted != nil {
		known.SMSBlocked = *b.SMSBlacklisted
	}
	s.writes = append(s.writes, Write{Email: email, ID: known.ID, Created: created, Attributes: b.Attributes, Lists: b.ListIDs})
	close(s.changed)
	s.changed = make(chan struct{})
	switch {
	case created:
		return okay(http.StatusCreated, map[string]any{"id": known.ID})
	case b.GetID && s.options.TellID:
		return okay(http.StatusOK, map[string]any{"id": known.ID})
	}
	return answer{status: http.StatusNoContent, header: http.Header{"Content-Type": {"text/plain"}}}
}

// number is a telephone number as SMS takes it.
var number = regexp.MustCompile(`^(\+|00)?[1-9][0-9]{5,17}$`)

// take returns the attributes that are kept. Who does not exist, or has another type,
// vanishes without a word.
func (s *Sim) take(email string, given map[string]any) (map[string]any, *answer) {
	kept := map[string]any{}
	for name, value := range given {
		switch kind, exists := s.attributes[name]; {
		case value == nil:
			return nil, refusal(http.StatusBadRequest, "invalid_parameter", name+" should not be null")
		case name == "EMAIL":
			return nil, refusal(http.StatusBadRequest, "invalid_parameter", "EMAIL is given twice")
		case name == "SMS":
			text, _ := value.(string)
			if !number.MatchString(text) {
				return nil, refusal(http.StatusBadRequest, "invalid_parameter", "Invalid phone number")
			}
			text = strings.TrimPrefix(strings.TrimPrefix(text, "+"), "00")
			for other, c := range s.contacts {
				if other != email && c.Attributes["SMS"] == text {
					return nil, duplicate("duplicate_parameter", "SMS is already associated with another Contact", "SMS")
				}
			}
			kept[name] = text
		case !exists && s.options.RefuseUnknown:
			return nil, refusal(http.StatusBadRequest, "invalid_parameter", "Attribute "+name+" does not exist")
		case exists && fits(kind, value):
			kept[name] = value
		}
	}
	return kept, nil
}

// fits reports whether a value is of an attribute's type.
func fits(kind string, value any) bool {
	switch v := value.(type) {
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "float"
	case string:
		if kind == "date" {
			_, err := time.Parse(time.DateOnly, v)
			return err == nil
		}
		return kind == "text" && utf8.RuneCountInString(v) <= 10_000
	case []any:
		return kind == "multiple-choice"
	}
	return false
}

// find returns the contact that a path names. Call it under the lock.
func (s *Sim) find(r *http.Request) *Contact {
	name, err := url.PathUnescape(r.PathValue("identifier"))
	if err != nil {
		return nil
	}
	id, _ := strconv.ParseInt(name, 10, 64)
	byID := r.URL.Query().Get("identifierType") == "contact_id"
	for email, c := range s.contacts {
		if byID && c.ID == id || !byID && email == strings.ToLower(name) {
			return c
		}
	}
	return nil
}
