// Package catalogtest gives tests of services a catalog over a database of their own.
package catalogtest

import (
	"context"
	"log/slog"
	"testing"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/storetest"
)

// Run runs a reading, unless it is an error.
func Run(ctx context.Context) func(*catalog.Reading, error) (*contracts.Frame, error) {
	return func(r *catalog.Reading, err error) (*contracts.Frame, error) {
		if err != nil {
			return nil, err
		}
		return r.Run(ctx)
	}
}

// Load serves a catalog, which must be without faults, from a database of the tests'
// engine. The store is closed when the test ends.
func Load(t testing.TB, database, text string) (*store.Store, *catalog.Live) {
	t.Helper()
	e := storetest.Engine(t)
	s, err := store.Open(store.Config{Server: store.Server{
		Hosts: []string{"127.0.0.1:8123"}, User: e.User(), Password: e.Password(), Database: database, Dial: e.DialContext, Local: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	live := catalog.NewLive("catalog.yaml", []byte(text), s, slog.New(slog.DiscardHandler))
	if err := live.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if current, err := live.Current(); err != nil || len(current.Faults) > 0 {
		t.Fatal(err, current.Faults)
	}
	return s, live
}
