package hubspotsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// strictJSON decodes one JSON value that must fill data and be valid UTF-8. It
// ignores members it does not know, as HubSpot does. The error names line
// and column where they are known.
func strictJSON(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errors.New("invalid UTF-8")
	}
	if err := json.Unmarshal(data, v); err != nil {
		return jsonError(data, err)
	}
	return nil
}

func jsonError(data []byte, err error) error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return invalidJSON(data, e.Offset, e.Error())
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalidJSON(data, e.Offset,
			fmt.Sprintf("cannot deserialize value of type `%s` from %s value at %s", e.Type, e.Value, e.Field))
	}
	return invalidJSON(data, 0, err.Error())
}

func invalidJSON(data []byte, offset int64, what string) error {
	before := data[:min(int(offset), len(data))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return fmt.Errorf("line %d, column %d: %s", line, column, what)
}
