package hubspotsim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// endpoint is one call of the API, whatever the version of its path.
type endpoint struct {
	method string
	area   string   // "objects", "properties" or "account"
	path   []string // what follows the object type; "*" takes any one segment
	scopes []string // one of them is needed; nil: any token will do
	handle func(*Sim, *call) reply
	inputs func(*call) []Input // decodes the body and names its contacts; nil: none
}

const (
	scopeRead        = "crm.objects.contacts.read"
	scopeWrite       = "crm.objects.contacts.write"
	scopeSchemaRead  = "crm.schemas.contacts.read"
	scopeSchemaWrite = "crm.schemas.contacts.write"
)

// endpoints is every call that is known. The first that fits is taken.
func endpoints() []endpoint {
	const get, post, patch = http.MethodGet, http.MethodPost, http.MethodPatch
	read, write := []string{scopeRead}, []string{scopeWrite}
	schemaRead, schemaWrite := []string{scopeSchemaRead, scopeRead}, []string{scopeSchemaWrite}
	return []endpoint{
		{post, "objects", []string{"batch", "upsert"}, write, (*Sim).batchUpsert, upsertInputs},
		{post, "objects", []string{"batch", "read"}, read, (*Sim).batchRead, readInputs},
		{get, "objects", []string{"*"}, read, (*Sim).getContact, nil},
		{patch, "objects", []string{"*"}, write, (*Sim).patchContact, patchInputs},
		{get, "properties", []string{}, schemaRead, (*Sim).listProperties, nil},
		{post, "properties", []string{}, schemaWrite, (*Sim).createProperty, nil},
		{post, "properties", []string{"batch", "read"}, schemaRead, (*Sim).readProperties, nil},
		{get, "properties", []string{"groups"}, schemaRead, (*Sim).listGroups, nil},
		{post, "properties", []string{"groups"}, schemaWrite, (*Sim).createGroup, nil},
		{get, "properties", []string{"groups", "*"}, schemaRead, (*Sim).getGroup, nil},
		{get, "properties", []string{"*"}, schemaRead, (*Sim).getProperty, nil},
		{get, "account", []string{"details"}, nil, (*Sim).accountDetails, nil},
		{get, "account", []string{"api-usage", "daily", "private-apps"}, nil, (*Sim).dailyUsage, nil},
	}
}

var (
	routes  = endpoints()
	unknown = endpoint{handle: func(*Sim, *call) reply { return notFound("resource not found") }}
)

// lookup finds the endpoint of a path, the version the path names and what
// stands in the place of each "*". It never returns a nil endpoint.
func lookup(method, escapedPath string) (e *endpoint, version string, ids []string) {
	segments := strings.Split(strings.TrimPrefix(escapedPath, "/"), "/")
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return &unknown, "", nil
		}
		segments[i] = plain
	}
	area, version, rest, ok := splitPath(segments)
	if !ok {
		return &unknown, "", nil
	}
	for i := range routes {
		route := &routes[i]
		if route.method != method || route.area != area {
			continue
		}
		if ids, ok := fits(route.path, rest); ok {
			return route, version, ids
		}
	}
	return &unknown, version, nil
}

// splitPath takes the version and the object type out of a path. Dated versions
// stand after the area ("/crm/objects/2026-09/contacts"), v3 stands before it
// ("/crm/v3/objects/contacts"); account-info has no object type.
func splitPath(p []string) (area, version string, rest []string, ok bool) {
	dated := func(v string) bool { return v == version202609 || v == version202603 }
	switch {
	case len(p) >= 2 && p[0] == "account-info" && (dated(p[1]) || p[1] == versionV3):
		return "account", p[1], p[2:], true
	case len(p) < 4 || p[0] != "crm":
		return "", "", nil, false
	case dated(p[2]) && (p[3] == "contacts" || p[3] == "0-1"):
		area, version = p[1], p[2]
	case p[1] == versionV3 && p[3] == "contacts":
		area, version = p[2], p[1]
	default:
		return "", "", nil, false
	}
	return area, version, p[4:], area == "objects" || area == "properties"
}

func fits(pattern, segments []string) (ids []string, ok bool) {
	ok = slices.EqualFunc(pattern, segments, func(want, got string) bool {
		if want == "*" {
			ids = append(ids, got)
			return got != ""
		}
		return want == got
	})
	return ids, ok
}
