package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/joho/godotenv"
	"github.com/sethvargo/go-envconfig"
)

// WithFile adds the variables of a file of NAME=value lines to env, which wins
// where both have one. Without such a file it returns env as it is. The error is
// an *Error.
func WithFile(env envconfig.Lookuper, path string) (envconfig.Lookuper, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return env, nil
	}
	if err != nil {
		return nil, &Error{Problems: []Problem{{Var: path, Message: err.Error()}}}
	}
	variables, err := godotenv.UnmarshalBytes(text)
	if err != nil {
		// The parser's error quotes the rest of the file, secrets and all.
		message := fmt.Sprintf("line %d is not NAME=value", firstBad(string(text)))
		return nil, &Error{Problems: []Problem{{Var: path, Message: message}}}
	}
	return envconfig.MultiLookuper(env, envconfig.MapLookuper(variables)), nil
}

// firstBad is the number of the line at which an entry begins that cannot be
// read: the one after the longest beginning of the text that can be.
func firstBad(text string) int {
	lines := strings.Split(text, "\n")
	for n := len(lines) - 1; n > 0; n-- {
		if _, err := godotenv.Unmarshal(strings.Join(lines[:n], "\n") + "\n"); err == nil {
			return n + 1
		}
	}
	return 1
}
