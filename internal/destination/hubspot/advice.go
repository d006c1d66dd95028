package hubspot

import (
	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
)

// Advice says for each code what it means at HubSpot and what to do; docs/codes.md
// shows it, and a test holds the two together.
var Advice = destination.Advices{
	contact.CodeNoEmail: {
		Means: "The contact has no email address, and the email is its key in HubSpot.",
		Do:    "Give the row an email and retry it, or skip it.",
	},
	contact.CodeInvalidEmail: {
		Means: "HubSpot does not take the email for an address.",
		Do:    "Correct the email in the row and retry it, or skip it.",
	},
	contact.CodeInvalidValue: {
		Means: "HubSpot refuses a value: too long, of the wrong type, or not among a property's options. Or a firewall on the way refuses what this contact holds (403).",
		Do:    "The message names the property, or has the words of the firewall. Correct the value in the row, or the property in HubSpot, and retry.",
	},
	contact.CodeMissingRequired: {
		Means: "The account demands a property that was not sent.",
		Do:    "Fill in the value in the row, or let HubSpot no longer require the property (Settings > Objects > Contacts), and retry.",
	},
	contact.CodeConflict: {
		Means: "HubSpot has this contact under another email as well, and the two could not be told apart.",
		Do:    "Merge the two contacts in HubSpot, or correct the email, and retry.",
	},
	contact.CodeNotFound: {
		Means: "HubSpot does not know what was asked for: a contact that was merged or deleted meanwhile, or the call itself.",
		Do:    "Retry it. If it comes back for every contact, correct HUBSPOT_API_BASE_URL or HUBSPOT_API_VERSION.",
	},
	contact.CodePropertyMissing: {
		Means: "A property that is written to does not exist in HubSpot, or is read-only. Nothing is sent until it does.",
		Do:    "Run `contactsync setup`, or name another property in the settings. The sync goes on by itself.",
		Alone: true,
	},
	contact.CodeUnauthorized: {
		Means: "HubSpot refuses the key (401). Nothing is sent until it takes it.",
		Do:    "Put a valid key into HUBSPOT_API_KEY and restart, or into HUBSPOT_API_KEY_FILE. The contacts that failed for it are then due at once.",
		Alone: true,
	},
	contact.CodeForbidden: {
		Means: "The key may not write contacts, or belongs to another account (403).",
		Do:    "Give the key the scopes crm.objects.contacts.read and .write, or correct HUBSPOT_PORTAL_ID. The sync goes on by itself.",
		Alone: true,
	},
	contact.CodeRateLimited: {
		Means: "HubSpot says that requests come too fast.",
		Do:    "Nothing: it waits and sends again. If it stays, other apps use up the account's limit: lower HUBSPOT_RATE_LIMIT_PER_10S.",
		Alone: true,
	},
	contact.CodeDailyLimit: {
		Means: "The account's requests of this day are used up.",
		Do:    "Nothing: it goes on at midnight in the account's time zone. A bigger batch size needs fewer requests.",
		Alone: true,
	},
	contact.CodeMigrating: {
		Means: "HubSpot is moving the account between data centers (477).",
		Do:    "Nothing: it goes on when HubSpot says so, within a day.",
		Alone: true,
	},
	contact.CodeServerError: {
		Means: "HubSpot answered with an error of its own (5xx).",
		Do:    "Nothing while attempts are left. Once HubSpot's status page says that all is well, retry those in Error. If the message says that it is this contact alone, look what is odd in its values.",
		Alone: true,
	},
	contact.CodeTimeout: {
		Means: "HubSpot did not answer in time.",
		Do:    "Nothing while attempts are left. If it stays, check the network, or raise HUBSPOT_TIMEOUT; then retry those in Error.",
		Alone: true,
	},
	contact.CodeNetwork: {
		Means: "HubSpot could not be reached, or the connection broke.",
		Do:    "Check the network, DNS and any proxy: `contactsync doctor` tries them. Then retry those in Error.",
		Alone: true,
	},
	contact.CodeBadResponse: {
		Means: "The answer was not HubSpot's: something on the way answered, or redirected.",
		Do:    "Check HUBSPOT_API_BASE_URL and any proxy on the way, then retry those in Error.",
		Alone: true,
	},
	contact.CodeNotConfirmed: {
		Means: "HubSpot answered without a word about this contact, so that nobody knows whether it was written.",
		Do:    "Nothing while attempts are left; sending it again is harmless. Retry those in Error.",
		Alone: true,
	},
	contact.CodeWorkerStopped: {
		Means: "The process that had the contact ended before HubSpot answered.",
		Do:    "Nothing: another replica sends it again. If it keeps happening, look why processes are killed (memory, a short grace period).",
		Alone: true,
	},
	contact.CodeOther: {
		Means: "Something that has no code of its own.",
		Do:    "The message says what. Correct it and retry; `contactsync doctor` looks everything over.",
	},
}
