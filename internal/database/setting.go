package database

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5/pgconn"
)

// SettingError says that the server refuses a parameter of the URL.
type SettingError struct {
	Err *pgconn.PgError
}

// Error has the server's own words, which name the parameter, and the remedy.
func (e *SettingError) Error() string {
	return fmt.Sprintf("the server refuses a parameter of the database URL: %s (SQLSTATE %s); correct it there, or leave it out", e.Err.Message, e.Err.Code)
}

func (e *SettingError) Unwrap() error { return e.Err }

// aSetting finds the words in which servers and poolers refuse a parameter.
var aSetting = regexp.MustCompile(`parameter`)

// refusedSetting returns a *SettingError where the server does not know a parameter, or
// not with that value. It is for what is refused while a connection is made: no
// statement of ours sets one that is wrong.
func refusedSetting(err error) error {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	switch answer.Code {
	case "42704", "22023", "55P02", "42501", "08P01": // undefined, a wrong value, not now, not for this role; a pooler's word
		if aSetting.MatchString(answer.Message) {
			return &SettingError{Err: answer}
		}
	}
	return err
}
