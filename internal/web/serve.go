package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Limits of a connection. A page that streams lifts the one on writing for
// itself, with an http.ResponseController.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = time.Minute
	maxHeaderBytes = 16 << 10

	// maxConnections is how many clients there can be at a time; one more costs
	// the oldest its connection. Each costs a file and some kilobytes.
	maxConnections = 512

	// farewell is how long responses under way may take once serving is to end.
	farewell = 3 * time.Second
)

// Listen binds addr (host:port, port 0 for a free one). It is apart from Serve so
// that a port that is taken ends the start, before anything else was begun.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s (HTTP_ADDR, PORT): %w; stop what listens there, or set HTTP_ADDR to a free address, such as 127.0.0.1:8081", addr, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s (HTTP_ADDR, PORT): %w", addr, err)
	}
	return ln, nil
}

// Serve serves on ln until ctx ends, then gives responses under way 3 s and cuts
// the rest. It closes ln, and returns nil after an orderly end.
func Serve(ctx context.Context, ln net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if server.Shutdown(patience) != nil {
			_ = server.Close() // a cut connection has nothing to report
		}
	})
	err := server.Serve(&bounded{Listener: ln, most: maxConnections})
	if stop() {
		return fmt.Errorf("serve HTTP on %s: %w", ln.Addr(), err)
	}
	<-ended
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP on %s: %w", ln.Addr(), err)
	}
	return nil
}
