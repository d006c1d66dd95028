package hubspotsim

import (
	"fmt"
	"net/http"
)

// The categories of error bodies.
const (
	categoryAuthentication = "INVALID_AUTHENTICATION"
	categoryScopes         = "MISSING_SCOPES"
	categoryRateLimits     = "RATE_LIMITS"
	categoryValidation     = "VALIDATION_ERROR"
	categoryConflict       = "CONFLICT"
	categoryNotFound       = "OBJECT_NOT_FOUND"
	categoryExists         = "OBJECT_ALREADY_EXISTS"
)

// apiError is HubSpot's error body.
type apiError struct {
	Status        string              `json:"status"`
	Message       string              `json:"message"`
	CorrelationID string              `json:"correlationId"`
	Category      string              `json:"category"`
	SubCategory   string              `json:"subCategory,omitempty"`
	ErrorType     string              `json:"errorType,omitempty"`  // 429 only
	PolicyName    string              `json:"policyName,omitempty"` // 429 only
	GroupName     string              `json:"groupName,omitempty"`  // 429 only
	Errors        []errorDetail       `json:"errors,omitempty"`
	Context       map[string][]string `json:"context,omitempty"`
	Links         map[string]string   `json:"links,omitempty"`
}

type errorDetail struct {
	Message string              `json:"message"`
	Code    string              `json:"code,omitempty"`
	Context map[string][]string `json:"context,omitempty"`
}

// refuse is an answer with HubSpot's error body. Details may be added by
// reshape functions.
func refuse(status int, category, message string, reshape ...func(*apiError)) reply {
	body := &apiError{Status: "error", Message: message, CorrelationID: newCorrelationID(), Category: category}
	for _, f := range reshape {
		f(body)
	}
	return reply{status: status, value: body, correlation: body.CorrelationID}
}

func invalid(format string, args ...any) reply {
	return refuse(http.StatusBadRequest, categoryValidation, fmt.Sprintf(format, args...))
}

func notFound(format string, args ...any) reply {
	return refuse(http.StatusNotFound, categoryNotFound, fmt.Sprintf(format, args...))
}

func unauthorized(message string) reply {
	return refuse(http.StatusUnauthorized, categoryAuthentication, message)
}

func missingScopes(required []string) reply {
	const message = "This app hasn't been granted all required scopes to make this call. " +
		"Read more about required scopes here: https://developers.hubspot.com/scopes."
	return refuse(http.StatusForbidden, categoryScopes, message, func(e *apiError) {
		e.Errors = []errorDetail{{
			Message: "One or more of the following scopes are required.",
			Context: map[string][]string{"requiredGranularScopes": required},
		}}
		e.Links = map[string]string{"scopes": "https://developers.hubspot.com/scopes"}
	})
}

// The policies of a 429.
const (
	policyTenSecondly = "TEN_SECONDLY_ROLLING"
	policyDaily       = "DAILY"
)

// tooMany is a 429. HubSpot sends no Retry-After with it.
func tooMany(policy string) reply {
	message := "You have reached your ten_secondly_rolling limit."
	if policy == policyDaily {
		message = "You have reached your daily limit."
	}
	return refuse(http.StatusTooManyRequests, categoryRateLimits, message, func(e *apiError) {
		e.ErrorType, e.PolicyName = "RATE_LIMIT", policy
		e.GroupName = "publicapi:private-apps-api-calls"
	})
}
