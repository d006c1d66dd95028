package hubspotsim

import (
	"fmt"
	"time"
)

// uiDomain is where people of this portal look at it.
const uiDomain = "app.hubspot.com"

// accountInfo is the answer of account-info.
type accountInfo struct {
	PortalID              int64    `json:"portalId"`
	AccountType           string   `json:"accountType"`
	TimeZone              string   `json:"timeZone"`
	CompanyCurrency       string   `json:"companyCurrency"`
	AdditionalCurrencies  []string `json:"additionalCurrencies"`
	UTCOffset             string   `json:"utcOffset"`
	UTCOffsetMilliseconds int64    `json:"utcOffsetMilliseconds"`
	UIDomain              string   `json:"uiDomain"`
	DataHostingLocation   string   `json:"dataHostingLocation"`
}

// accountDetails tells whose token this is.
func (s *Sim) accountDetails(*call) reply {
	_, seconds := s.options.Now().In(s.zone).Zone()
	sign, minutes := "+", seconds/60
	if minutes < 0 {
		sign, minutes = "-", -minutes
	}
	return success(accountInfo{
		PortalID: s.options.PortalID, AccountType: "STANDARD", TimeZone: s.options.TimeZone,
		CompanyCurrency: "USD", AdditionalCurrencies: []string{},
		UTCOffset:             fmt.Sprintf("%s%02d:%02d", sign, minutes/60, minutes%60),
		UTCOffsetMilliseconds: int64(seconds) * int64(time.Second/time.Millisecond),
		UIDomain:              uiDomain, DataHostingLocation: "na1",
	})
}

// apiUsage is one item of the daily usage.
type apiUsage struct {
	Name         string `json:"name"`
	UsageLimit   int    `json:"usageLimit"`
	CurrentUsage int    `json:"currentUsage"`
	CollectedAt  string `json:"collectedAt"`
	FetchStatus  string `json:"fetchStatus"`
	ResetsAt     string `json:"resetsAt"`
}

// unlimitedPerDay is what a portal without a DailyLimit says its limit is.
const unlimitedPerDay = 1_000_000

// dailyUsage tells how much of the day's requests is spent. It is one itself.
func (s *Sim) dailyUsage(*call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	usage := apiUsage{
		Name: "private-apps-api-calls-daily", UsageLimit: s.limits.perDay, CurrentUsage: s.limits.today,
		CollectedAt: timestamp(now), FetchStatus: "SUCCESS", ResetsAt: timestamp(s.limits.dayEnd),
	}
	if usage.UsageLimit == 0 {
		usage.UsageLimit = unlimitedPerDay
	}
	return success(collection{Results: []apiUsage{usage}})
}

// collection is an answer without pages.
type collection struct {
	Results any `json:"results"`
}
