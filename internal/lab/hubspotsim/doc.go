// Package hubspotsim is a HubSpot portal in memory: an http.Handler that
// speaks the part of the CRM API that contactsync uses, and is as strict about
// it as HubSpot is known to be. It exists because a lenient double proves
// nothing: what fails at HubSpot must fail here, with the same status, body
// and headers, and without a live portal.
//
// It knows three versions of the paths (2026-09, 2026-03 and v3), checks
// credentials, scopes, content types, batch sizes, duplicate ids, properties
// and their values, and limits the rate. Every request and every write is kept,
// so that a test can count what arrived. Faults are played on demand, by
// Inject or by the control API under /_sim/, which asks for no credentials:
// serve it on loopback or in a closed network only.
//
// Where nobody knows how HubSpot answers, Behaviour has a switch, and a client
// has to be right under either position. The zero Behaviour is the answer that
// integrators reported most often:
//
//   - objectWriteTraceId is echoed in results;
//   - each bad row of a 207 is an error of its own, addressed by its trace id;
//   - a conflict concerns its row alone where inputs carry trace ids, and names
//     the existing contact both in the context and in the message;
//   - upserting the email of an archived contact restores that contact;
//   - a request that is refused with 429 does not count against the limits.
//
// Some things are chosen without a switch: upserting by a secondary address
// answers with the primary address of that contact; idProperty takes email and
// hs_object_id alone; a 401 counts against no limit, since it has no app;
// email cannot be cleared.
package hubspotsim
