package webhook

import (
	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
)

const never = "A webhook never says so."

// Advice says for each code what it means at a webhook and what to do.
var Advice = destination.Advices{
	contact.CodeNoEmail: {Means: never, Do: "Nothing: a contact without an email is sent like any other."},
	contact.CodeInvalidEmail: {
		Means: "The email is no valid text, and JSON takes nothing else.",
		Do:    "Correct the email in the row and retry it, or skip it.",
	},
	contact.CodeInvalidValue: {
		Means: "The receiver refuses this contact (400, 413, 422), or something on the way does, while it takes others.",
		Do:    "The message has what the receiver said. Correct the value in the row, or the workflow, and retry.",
	},
	contact.CodeMissingRequired: {Means: never, Do: "Nothing."},
	contact.CodeConflict: {
		Means: "The receiver says that this contact conflicts with what it has (409).",
		Do:    "Look in the receiver what it has, and retry.",
	},
	contact.CodeNotFound: {
		Means: "Nothing takes a POST at that address (404, 405, 410): in n8n the workflow is not active. Nothing is sent until one contact is taken.",
		Do:    "Activate the workflow, or correct N8N_WEBHOOK_URL and restart. The sync goes on by itself.",
		Alone: true,
	},
	contact.CodePropertyMissing: {Means: never, Do: "Nothing."},
	contact.CodeUnauthorized: {
		Means: "The receiver refuses the secret (401). Nothing is sent until one contact is taken.",
		Do:    "Set N8N_WEBHOOK_SECRET to what the receiver expects as the bearer token and restart. The contacts that failed for it are then due at once.",
		Alone: true,
	},
	contact.CodeForbidden: {
		Means: "The receiver, or a firewall before it, refuses the requests (402, 403). Nothing is sent until one contact is taken.",
		Do:    "Correct N8N_WEBHOOK_SECRET, or let the requests pass the firewall. The sync goes on by itself.",
		Alone: true,
	},
	contact.CodeRateLimited: {
		Means: "The receiver asks to wait (425, 429).",
		Do:    "Nothing: it waits as long as it is asked to, an hour at most, and sends again. If it stays, lower N8N_RATE_LIMIT_PER_10S.",
		Alone: true,
	},
	contact.CodeDailyLimit: {Means: never, Do: "Nothing."},
	contact.CodeMigrating:  {Means: never, Do: "Nothing."},
	contact.CodeServerError: {
		Means: "The receiver answered with an error of its own (5xx): in n8n the workflow has failed.",
		Do:    "Nothing while attempts are left. Look at the failed executions in n8n, mend the workflow, then retry those in Error.",
		Alone: true,
	},
	contact.CodeTimeout: {
		Means: "The receiver did not answer in time.",
		Do:    "Have the workflow respond at once instead of at its end, or raise N8N_TIMEOUT; then retry those in Error.",
		Alone: true,
	},
	contact.CodeNetwork: {
		Means: "The receiver could not be reached, or the connection broke.",
		Do:    "Check that it runs, the network, DNS and any proxy. Then retry those in Error.",
		Alone: true,
	},
	contact.CodeBadResponse: {
		Means: "The answer was a redirect, which is not followed.",
		Do:    "Set N8N_WEBHOOK_URL to where it leads and restart. The sync goes on by itself.",
		Alone: true,
	},
	contact.CodeNotConfirmed: {Means: never, Do: "Nothing."},
	contact.CodeWorkerStopped: {
		Means: "The process that had the contact ended before the receiver answered.",
		Do:    "Nothing: another replica sends it again, with the same id. If it keeps happening, look why processes are killed (memory, a short grace period).",
		Alone: true,
	},
	contact.CodeOther: {
		Means: "The receiver refuses this contact for a reason that has no code of its own.",
		Do:    "The message says what. Correct it and retry.",
	},
}
