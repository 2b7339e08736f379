package main

import (
	"net/http"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// Data that is as it once was has not the answers of what was there in between, though these
// were made when that was not known yet.
func TestDataThatRecurs(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE live (id UInt32) ORDER BY id AS SELECT 1 AS id;
		CREATE TABLE bad (id UInt32) ORDER BY id AS SELECT 666 AS id;
		CREATE TABLE base (id UInt32, at DateTime) ORDER BY id AS SELECT 1 AS id, toDateTime('2024-01-01') AS at;
		CREATE VIEW view AS SELECT * FROM base;
	`)
	p := newTap(t)
	app := open(t, Config{ClickHouse: urlOf(t, database, p.address), CatalogFile: writeCatalog(t, "tables: {live: {}, view: {version: at}}")})
	for name, test := range map[string]struct{ to, back, word string }{
		"live": {"EXCHANGE TABLES live AND bad", "EXCHANGE TABLES live AND bad", versionWords[0]},
		"view": {"INSERT INTO base VALUES (666, '2024-01-02')", "DELETE FROM base WHERE id = 666", versionWords[1]},
	} {
		url := app.URL() + "/v1/tables/" + name + "/rows?limit="
		if a := ask(t, http.MethodGet, url+"1", ""); a.header.Get("ETag") == "" {
			t.Fatalf("%s: %s", name, a.where())
		}
		storetest.Exec(t, database, test.to)
		between := ask(t, http.MethodGet, url+"9", "") // mostly by the version before
		asked, _ := p.versions(test.word)
		eventually(t, 20*time.Second, "what is there in between is seen, though nobody asks", func() bool {
			_, told := p.versions(test.word)
			return told > asked
		})
		storetest.Exec(t, database, test.back)
		// For so long the version in between may be given out.
		time.Sleep(1100 * time.Millisecond)
		a := ask(t, http.MethodGet, url+"9", "", "If-None-Match", between.header.Get("ETag"))
		if a.status != http.StatusOK || len(a.frame(t).Rows) != 1 || string(a.body) == string(between.body) {
			t.Errorf("%s: %s %s", name, a.where(), a.body)
		}
	}
}
