package hubspot

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

const versionV3 = "v3"

// urls builds the addresses of the calls. Dated versions stand behind the area
// of the API, v3 stands before it.
type urls struct {
	base    string // without a slash at its end
	version string
}

// contacts is the address of a call about contacts; rest begins with a slash.
func (u urls) contacts(rest string) string { return u.crm("objects", rest) }

// property is the address of one property of contacts.
func (u urls) property(name string) string { return u.crm("properties", "/"+url.PathEscape(name)) }

func (u urls) account(rest string) string { return u.base + "/account-info/" + u.version + rest }

func (u urls) crm(area, rest string) string {
	if u.version == versionV3 {
		return u.base + "/crm/v3/" + area + "/contacts" + rest
	}
	return u.base + "/crm/" + area + "/" + u.version + "/contacts" + rest
}

// checkBaseURL insists on https, because the token travels with every request;
// http is for this very host, or where it was allowed.
func checkBaseURL(text string, allowHTTP bool) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", errors.New("not a URL") // the error would repeat a password in it
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("it must be a scheme and a host, as in " + defaultBaseURL)
	case u.Scheme == "https":
	case u.Scheme != "http":
		return "", errors.New("it must begin with https://")
	case !allowHTTP && !loopback(u.Hostname()):
		return "", errors.New("http:// would send the key unencrypted: use https://, or HUBSPOT_ALLOW_HTTP=true in a closed network")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
