package app

import (
	"os"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
