package catalog

import (
	"log/slog"
	"strings"
	"testing"

	"framehouse/internal/store"
	"framehouse/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// open returns a Store on the database of a test.
func open(t *testing.T, database string) *store.Store {
	t.Helper()
	e := storetest.Engine(t)
	s, err := store.Open(store.Config{Server: store.Server{
		Hosts: []string{"127.0.0.1:8123"}, User: e.User(), Password: e.Password(), Database: database,
		Dial: e.DialContext, Local: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// load reads a catalog, whose indentation may be that of the test.
func load(t *testing.T, db Database, text string) *Catalog {
	t.Helper()
	c, err := Load(t.Context(), "catalog.yaml", []byte(dedent(text)), db)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// dedent takes the indentation of the second line off all lines, and the first line
// break, so that line 1 is the first with text.
func dedent(text string) string {
	text = strings.TrimPrefix(text, "\n")
	indent := text[:len(text)-len(strings.TrimLeft(text, "\t"))]
	return strings.ReplaceAll(strings.TrimPrefix(text, indent), "\n"+indent, "\n")
}

var discard = slog.New(slog.DiscardHandler)
