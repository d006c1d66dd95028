//go:build !unix

package postgres

import (
	"context"
	"errors"
)

func startLocal(context.Context, Options, string) (*Server, error) {
	return nil, errors.New("the local server programs are only used on Unix")
}

func startEmbedded(context.Context, Options, string) (*Server, error) {
	return nil, errors.New("downloaded server programs are only used on Unix")
}

func watchContainer(context.Context, string) (release func()) { return func() {} }
