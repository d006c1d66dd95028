package hubspotsim

import (
	"cmp"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// gate is what every request has to pass before its endpoint sees it, in
// HubSpot's order: credentials, limits, scopes, content type. It returns the
// headers about limits, and the refusal if there is one.
func (s *Sim) gate(c *call) (http.Header, *reply) {
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	if refusal := authenticate(c.request, token); refusal != nil {
		return nil, refusal
	}

	s.mu.Lock()
	policy, header := s.limits.admit(s.options.Now(), s.behaviour.RefusedCounts)
	s.mu.Unlock()
	if policy != "" {
		return header, new(tooMany(policy))
	}

	if required := c.endpoint.scopes; required != nil && s.options.Scopes != nil {
		granted := func(scope string) bool { return slices.Contains(s.options.Scopes, scope) }
		if !slices.ContainsFunc(required, granted) {
			return header, new(missingScopes(required))
		}
	}
	return header, checkContentType(c)
}

func authenticate(r *http.Request, token string) *reply {
	const help = " This API supports OAuth 2.0 authentication and you can find more details at " +
		"https://developers.hubspot.com/docs/methods/auth/oauth-overview"
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !ok || given == "":
		return new(unauthorized("Authentication credentials not found." + help))
	case token == "" || given != token:
		return new(unauthorized("Authentication credentials are not valid." + help))
	}
	return nil
}

// checkContentType insists on JSON where a body is expected.
func checkContentType(c *call) *reply {
	if c.request.Method == http.MethodGet || c.endpoint == &unknown {
		return nil
	}
	given := c.request.Header.Get("Content-Type")
	kind, params, err := mime.ParseMediaType(given)
	if err == nil && kind == "application/json" && strings.EqualFold(cmp.Or(params["charset"], "utf-8"), "utf-8") {
		return nil
	}
	return new(refuse(http.StatusUnsupportedMediaType, categoryValidation,
		"Unsupported Content-Type "+given+": application/json is required"))
}
