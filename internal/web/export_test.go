package web

import "net/http"

// MaxConnections is maxConnections, for tests.
const MaxConnections = maxConnections

// Limited is limited, for tests.
func Limited(next http.Handler) http.Handler { return limited(next) }
