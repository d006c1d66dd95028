package rehearsal

import (
	"os"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

func TestMain(m *testing.M) { os.Exit(progtest.Main(m)) }
