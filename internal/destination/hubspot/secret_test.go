package hubspot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// Whatever happens, and even if the answers repeat it, the key is in no message,
// no error and no log line; nor are the contacts' addresses in the log.
func TestTheKeyIsNotTold(t *testing.T) {
	t.Parallel()
	echo := fmt.Sprintf(`{"message":"%s","category":"%[1]s","correlationId":"%[1]s","policyName":"%[1]s","errors":[{"message":"%[1]s","code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["%[1]s"]}}]}`, testToken)
	pad := strings.Repeat("x", maxMessage-40) // the key is cut in two by the bound of a message
	faults := map[string]hubspotsim.Fault{
		"cut":          {Mode: hubspotsim.Cut},
		"truncated":    {Mode: hubspotsim.Truncate},
		"not JSON":     {Mode: hubspotsim.NotJSON, Body: testToken},
		"redirect":     {Mode: hubspotsim.Redirect, URL: "https://" + testToken + ".example.com/" + testToken},
		"content type": {Status: 200, Body: echo, Header: map[string]string{"Content-Type": "text/" + testToken}},
		"at the bound": {Status: 401, Body: `{"message":"` + pad + testToken + `"}`},
		"partly":       {Status: 207, Body: `{"errors":[` + echo + `]}`},
		"header":       {Status: 500, Header: map[string]string{"X-HubSpot-Correlation-Id": testToken}},
	}
	for _, status := range []int{400, 401, 403, 404, 409, 418, 423, 429, 477, 500, 503} {
		faults[fmt.Sprint(status)] = hubspotsim.Fault{Status: status, Body: echo}
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				p := inMemory(t, simOptions(), func(o *Options) {
					o.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				})
				p.Inject(fault)
				report := p.Upsert(t.Context(), people(3))
				_, err := p.Account(t.Context())
				told := new(strings.Builder)
				if err := json.NewEncoder(told).Encode(report); err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(told, "%v %+v %#v %v", err, err, asAPIError(t, err), p.Probe(t.Context()))
				for _, text := range []string{told.String(), log.String()} {
					if strings.Contains(text, testToken[:12]) {
						t.Errorf("the key is in %s", text)
					}
				}
				if strings.Contains(strings.ToLower(log.String()), "person000") || log.Len() == 0 {
					t.Errorf("log %q", log.String())
				}
			})
		})
	}
}
