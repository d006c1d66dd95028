package main

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"unicode/utf8"
)

// anEmail is what looks like an email address, also in a URL that spells the @
// as %40. It would rather find one too many.
var anEmail = regexp.MustCompile(`([^\s"'<>()\[\],;:\\@/=?&]+?)(@|%40)([^\s"'<>()\[\],;:\\@/=?&]+)`)

// redact shortens an email address to its first letter and its domain.
func redact(email string) string {
	local, domain, ok := strings.Cut(email, "@")
	if email == "" {
		return ""
	}
	_, size := utf8.DecodeRuneInString(local)
	if !ok {
		return local[:size] + "***"
	}
	return local[:size] + "***@" + domain
}

// redactText shortens every email address in a text.
func redactText(text string) string {
	return anEmail.ReplaceAllStringFunc(text, func(found string) string {
		part := anEmail.FindStringSubmatch(found)
		_, size := utf8.DecodeRuneInString(part[1])
		return part[1][:size] + "***" + part[2] + part[3]
	})
}

// redactEmails is a slog ReplaceAttr: the attribute email is shortened whatever
// it holds, and in every other one what looks like an address.
func redactEmails(_ []string, attr slog.Attr) slog.Attr {
	text := ""
	switch attr.Value.Kind() {
	case slog.KindString:
		text = attr.Value.String()
	case slog.KindAny:
		text = fmt.Sprint(attr.Value.Any())
	default:
		return attr
	}
	short := redactText(text)
	if attr.Key == "email" {
		short = redact(text)
	}
	if short == text {
		return attr // an error stays an error, a level a level
	}
	return slog.String(attr.Key, short)
}
