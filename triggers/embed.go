// Package triggers holds the triggers on contacts: what the UPDATE of another
// app sets in motion. Unlike a migration, their text may change: `contactsync
// migrate up` applies it again whenever it did. It is written for HubSpot's columns;
// internal/schema renders it for all destinations that are installed.
package triggers

import "embed"

// FS has the .sql files. Every statement in them can be run again.
//
//go:embed *.sql
var FS embed.FS
