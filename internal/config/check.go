package config

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sethvargo/go-envconfig"
)

// report collects the problems.
type report struct {
	env      envconfig.Lookuper
	problems []Problem
}

// misplaced recognises a secret in a variable that is none: a key, or a URL with
// a password or a query.
var misplaced = regexp.MustCompile(`(?i)pat-|x(key|smtp)sib-|://.*[@?]`)

// add records a problem of a variable, with its value unless that is a secret.
func (rep *report) add(name string, secret bool, format string, args ...any) {
	p := Problem{Var: name, Message: fmt.Sprintf(format, args...)}
	if text, _ := rep.env.Lookup(name); !secret && !misplaced.MatchString(text) {
		p.Value = text
	}
	rep.problems = append(rep.problems, p)
}

// ok reports whether the variable has had no problem so far.
func (rep *report) ok(name string) bool {
	return !slices.ContainsFunc(rep.problems, func(p Problem) bool { return p.Var == name })
}

func (c *Config) check(rep *report) {
	const name = "HUBSPOT_RATE_LIMIT_PER_10S"
	if rep.ok(name) && rep.ok("HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES") && c.HubSpot.RatePer10s < c.HubSpot.Sync.MaxInstances {
		rep.add(name, false, "must be at least HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES, which is %d, because each instance gets its share of it",
			c.HubSpot.Sync.MaxInstances)
	}
	const rate = "N8N_RATE_LIMIT_PER_10S"
	if rep.ok(rate) && rep.ok("N8N_SYNC_SCHEDULER_MAX_INSTANCES") && c.Webhook.RatePer10s < c.Webhook.Sync.MaxInstances {
		rep.add(rate, false, "must be at least N8N_SYNC_SCHEDULER_MAX_INSTANCES, which is %d, because each instance gets its share of it",
			c.Webhook.Sync.MaxInstances)
	}
	c.checkMapped(rep, "HUBSPOT_PROPERTY_MAP", c.HubSpot.Properties.Map)
	c.checkMapped(rep, "BREVO_ATTRIBUTE_MAP", c.Brevo.Attributes.Map)
	c.checkMapped(rep, "N8N_FIELD_MAP", c.Webhook.Fields.Map)
}

// checkMapped looks for the one column that contactsync writes whatever it is called.
func (c *Config) checkMapped(rep *report, variable string, mapped PropertyMap) {
	theirs, ok := c.Database.Contacts.Columns.Names["updated_at"]
	for _, p := range mapped.Pairs {
		if ok && p.Column == theirs {
			rep.add(variable, false, "%q maps a column that contactsync itself writes: CONTACTS_COLUMNS says that it is updated_at", p.Column+":"+p.Property)
		}
	}
}

// key is a bearer token's form (RFC 6750, section 2.1).
var key = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

func (h *HubSpot) check(rep *report) {
	if !h.APIKey.IsZero() && !key.MatchString(h.APIKey.Reveal()) {
		rep.add("HUBSPOT_API_KEY", true, "has a character that no key has, a quote or a blank maybe; copy it again, without quotes")
	}
	h.APIKey = rep.readKeyFile("HUBSPOT_API_KEY", h.APIKey, h.APIKeyFile)
	h.BaseURL = strings.TrimRight(h.BaseURL, "/")
	if problem := wrongBase(h.BaseURL, h.AllowHTTP, "https://api.hubapi.com", "HUBSPOT_ALLOW_HTTP"); problem != "" {
		rep.add("HUBSPOT_API_BASE_URL", false, "%s", problem)
	}
}

func (b *Brevo) check(rep *report) {
	const name = "BREVO_API_KEY"
	b.APIKey = rep.readKeyFile(name, b.APIKey, b.APIKeyFile)
	switch text := b.APIKey.Reveal(); {
	case strings.HasPrefix(text, "xsmtpsib-"):
		rep.add(name, true, "is an SMTP key; expected an API key, which begins with xkeysib-")
	case text != "" && !key.MatchString(text):
		rep.add(name, true, "has a character that no key has, a quote or a blank maybe; copy it again, without quotes")
	}
	b.BaseURL = strings.TrimRight(b.BaseURL, "/")
	if problem := wrongBase(b.BaseURL, b.AllowHTTP, "https://api.brevo.com/v3", "BREVO_ALLOW_HTTP"); problem != "" {
		rep.add("BREVO_API_BASE_URL", false, "%s", problem)
	}
}

// wrongBase returns why an API cannot be at a URL, or nothing. Allow is the variable that
// lets the key travel unencrypted.
func wrongBase(base string, allowHTTP bool, like, allow string) string {
	example := ", for example " + like
	u, err := url.Parse(base)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return "expected a URL that begins with https://" + example
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return "expected a URL without user, query and fragment" + example
	case u.Scheme == "http" && !allowHTTP && !isLoopback(u.Hostname()):
		return "the key would travel unencrypted; expected a URL that begins with https://" + example +
			", or " + allow + "=true for a simulator"
	}
	return ""
}

func (a *Alert) check(rep *report) {
	if a.WebhookURL.IsZero() {
		return
	}
	u, err := url.Parse(a.WebhookURL.Reveal())
	switch { // the parser's error would repeat the URL
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		rep.add("ALERT_WEBHOOK_URL", true, "expected a URL that begins with https://")
	case u.Scheme == "http" && !a.AllowHTTP && !isLoopback(u.Hostname()):
		rep.add("ALERT_WEBHOOK_URL", true, "what is posted would travel unencrypted; expected a URL that begins with https://, or ALERT_ALLOW_HTTP=true in a closed network")
	}
}

func (w *Webhook) check(rep *report) {
	const name = "N8N_WEBHOOK_URL"
	if !w.URL.IsZero() {
		u, err := url.Parse(w.URL.Reveal())
		switch { // the parser's error would repeat the URL
		case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
			rep.add(name, true, "expected a URL that begins with https://")
		case u.Fragment != "":
			rep.add(name, true, "expected a URL without a fragment (#...), which is never sent")
		case u.User != nil && !w.Secret.IsZero():
			rep.add(name, true, "holds a user while N8N_WEBHOOK_SECRET is set; a request has one Authorization header: leave one of the two out")
		case u.Scheme == "http" && !w.AllowHTTP && !isLoopback(u.Hostname()):
			rep.add(name, true, "contacts would travel unencrypted; expected a URL that begins with https://, or N8N_ALLOW_HTTP=true in a closed network")
		}
	}
	if problem := w.wrongSecret(); problem != "" {
		rep.add("N8N_WEBHOOK_SECRET", true, "%s", problem)
	}
}

func (f *Fields) check(rep *report) {
	owners := map[string]string{ // these are in every body
		"contact_id": "the contact's id", "email": "the email", "name": "the name",
		"scrapersky_domain_id": "domain_id", "scrapersky_page_id": "page_id", "timestamp": "the time",
	}
	if problems := f.Map.parse(asField(), owners, rep.written(asField())); len(problems) > 0 {
		rep.add("N8N_FIELD_MAP", false, "%s; expected column:field,column:field!,... for example job_title:jobTitle", strings.Join(problems, "; "))
	}
}

func (w *Webhook) wrongSecret() string {
	text := w.Secret.Reveal()
	encoded, marked := strings.CutPrefix(text, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "has a blank or a character beyond ASCII, and could not be sent as a bearer token"
	case marked && (err != nil || len(key) == 0):
		return "begins with whsec_, and what follows is not base64; copy it again"
	}
	return ""
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// propertyName is what HubSpot takes for a property's internal name, attributeName what
// Brevo takes for an attribute's, fieldName what is
// taken for the name of a member of a body: one that every language can have.
var (
	propertyName  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)
	attributeName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,99}$`)
	fieldName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)
)

func (p *Properties) check(rep *report) {
	// These are mapped already.
	owners := map[string]string{"email": "the email", "firstname": "the name", "lastname": "the name", "phone": "the phone number"}
	for _, property := range []struct{ variable, name string }{
		{"HUBSPOT_CUSTOM_PROPERTY_DOMAIN_ID", p.DomainID},
		{"HUBSPOT_CUSTOM_PROPERTY_PAGE_ID", p.PageID},
		{"HUBSPOT_CUSTOM_PROPERTY_SYNC_DATE", p.SyncDate},
	} {
		owner, taken := owners[property.name]
		switch {
		case !propertyName.MatchString(property.name):
			rep.add(property.variable, false, "expected a property's internal name: a lower-case letter, then "+
				"lower-case letters, digits and underscores, for example scrapersky_domain_id")
		case taken:
			rep.add(property.variable, false, "the property is that of %s already; expected one of its own", owner)
		}
		owners[property.name] = property.variable
	}
	if problems := p.Map.parse(asProperty(), owners, rep.written(asProperty())); len(problems) > 0 {
		rep.add("HUBSPOT_PROPERTY_MAP", false, "%s; expected column:property,column:property!,... for example job_title:jobtitle",
			strings.Join(problems, "; "))
	}
}

func (a *Attributes) check(rep *report) {
	owners := map[string]string{"EMAIL": "the email", "EXT_ID": "Brevo itself"}
	for _, attribute := range []struct{ variable, name string }{
		{"BREVO_ATTRIBUTE_FIRSTNAME", a.FirstName},
		{"BREVO_ATTRIBUTE_LASTNAME", a.LastName},
		{"BREVO_ATTRIBUTE_PHONE", a.Phone},
		{"BREVO_ATTRIBUTE_DOMAIN_ID", a.DomainID},
		{"BREVO_ATTRIBUTE_PAGE_ID", a.PageID},
	} {
		owner, taken := owners[attribute.name]
		switch {
		case attribute.name == "": // only the name's, which are found
			continue
		case !attributeName.MatchString(attribute.name):
			rep.add(attribute.variable, false, "expected an attribute's name: an upper-case letter, then upper-case letters, digits and underscores, for example PHONE")
		case taken:
			rep.add(attribute.variable, false, "the attribute is that of %s already; expected one of its own", owner)
		}
		owners[attribute.name] = attribute.variable
	}
	if (a.FirstName == "") != (a.LastName == "") {
		rep.add("BREVO_ATTRIBUTE_FIRSTNAME", false, "set BREVO_ATTRIBUTE_LASTNAME as well, or neither: then those of the account's language are found")
	}
	if problems := a.Map.parse(asAttribute(), owners, rep.written(asAttribute())); len(problems) > 0 {
		rep.add("BREVO_ATTRIBUTE_MAP", false, "%s; expected column:ATTRIBUTE,… for example job_title:JOB_TITLE", strings.Join(problems, "; "))
	}
}

func (h *HTTP) check(rep *report) {
	if h.Addr == "" {
		h.Addr = "127.0.0.1:8080"
		if h.Port != 0 {
			h.Addr = net.JoinHostPort("0.0.0.0", strconv.Itoa(h.Port))
		}
		return
	}
	_, port, err := net.SplitHostPort(h.Addr)
	if _, notPort := strconv.ParseUint(port, 10, 16); err != nil || notPort != nil {
		rep.add("HTTP_ADDR", false, "expected host:port with a port from 0 to 65535, for example 127.0.0.1:8080, or 0.0.0.0:8080 for every interface")
	}
}
