package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// otherTable is one of which no answer is: a write through us to it has versions asked for anew.
const otherTable = `
	CREATE TABLE other (id UInt32, version UInt64, is_deleted UInt8) ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY id SETTINGS non_replicated_deduplication_window = 100;
`

// otherCatalog has that table written.
const otherCatalog = "tables:\n  other: {write: upsert}\n"

// piecesTrial asks for ranges at random, and holds answers that are put together from pieces
// against those that ClickHouse gives as a whole.
type piecesTrial struct {
	app      *App
	database string
	random   *rand.Rand

	kept, whole int // pieces that were kept, and all
	refused     int // requests, with pieces and without
}

func (p *piecesTrial) pick(of ...string) string { return of[p.random.IntN(len(of))] }

// query has one of the values of each parameter, of which an empty one leaves it out.
func (p *piecesTrial) query(parameters [][]string) url.Values {
	q := url.Values{}
	for _, values := range parameters {
		p.set(q, values[0], values[1:]...)
	}
	return q
}

func (p *piecesTrial) set(q url.Values, name string, values ...string) {
	q.Del(name)
	if value := p.pick(values...); value != "" {
		q.Set(name, value)
	}
}

// ends sets the ends of a range, open or not, of rows that there are for some hundred days.
func (p *piecesTrial) ends(q url.Values, start time.Time) {
	format := p.pick(time.RFC3339, time.RFC3339, time.DateOnly)
	at := func(name string, after, days int) {
		at := start.AddDate(0, 0, after).Add(time.Duration(p.random.Int64N(int64(days) * 24 * int64(time.Hour))))
		if p.random.IntN(2) == 0 {
			at = at.Truncate(24 * time.Hour)
		}
		q.Set(name, at.Format(format))
	}
	q.Del("from")
	q.Del("to")
	switch p.random.IntN(5) {
	case 0:
		at("from", -5, 130)
	case 1:
		at("to", -5, 130)
	case 2, 3:
		at("from", -5, 60)
		at("to", 55, 100)
	}
}

// compareRanges compares two ranges, of which the second may have pieces of the first.
func (p *piecesTrial) compareRanges(t *testing.T, node string, q url.Values, start time.Time) {
	t.Helper()
	for range 2 {
		p.ends(q, start)
		p.compare(t, node, q)
	}
}

// compare holds an answer, and another of the same pieces, against the one that ClickHouse gives.
func (p *piecesTrial) compare(t *testing.T, node string, q url.Values) {
	t.Helper()
	address := p.app.URL() + "/v1/nodes/" + node + "/rows?" + q.Encode()
	got := ask(t, http.MethodGet, address, "")
	want := ask(t, http.MethodGet, address, "", "Cache-Control", "no-cache")
	for _, more := range []string{"", "&download=1"} {
		if more != "" {
			got = ask(t, http.MethodGet, address+more, "")
		}
		if got.status == http.StatusUnprocessableEntity && want.status == got.status {
			p.refused++
			return
		}
		sameAsWhole(t, address+more, got, want)
		n, of := piecesOf(t, got)
		p.kept, p.whole = p.kept+n, p.whole+of
	}
}

// sameAsWhole holds an answer against the one that ClickHouse gives as a whole.
func sameAsWhole(t *testing.T, address string, got, want answer) {
	t.Helper()
	if got.status != http.StatusOK || want.status != http.StatusOK || !bytes.Equal(own.ReplaceAll(got.body, nil), own.ReplaceAll(want.body, nil)) {
		t.Fatalf("%s\n%s %s\n%.3000s\nas a whole %s\n%.3000s", address, got.where(), got.header.Get("Server-Timing"), got.body, want.where(), want.body)
	}
	if strings.Contains(want.header.Get("Server-Timing"), "pieces") {
		t.Errorf("%s: pieces, though nothing that is kept is wanted", address)
	}
}

// change changes tables past us, and has it known.
func (p *piecesTrial) change(t *testing.T, statements string) {
	t.Helper()
	storetest.Exec(t, p.database, statements)
	renew(t, p.app)
}

// renew has versions asked for anew.
func renew(t *testing.T, app *App) {
	t.Helper()
	if a := ask(t, http.MethodPost, app.URL()+"/v1/tables/other/rows", `[{"id":1}]`, "Content-Type", jsonType); a.status != http.StatusOK {
		t.Fatalf("%s: %s", a.where(), a.body)
	}
}

// enough tells whether there were so many pieces, and some were kept.
func (p *piecesTrial) enough(t *testing.T, pieces int) {
	t.Helper()
	said := fmt.Sprintf("%d of %d pieces were kept; %d requests were refused", p.kept, p.whole, p.refused)
	t.Log(said)
	if p.kept < p.whole/8 || p.whole < pieces {
		t.Error(said)
	}
}

// own is what answers have of their own that are otherwise the same: the request that they were
// made for, and when what was read was changed, of which merging is one way.
var own = regexp.MustCompile(`"(requestId|updatedAtMs)":("[^"]*"|[0-9]+),?`)

var piecesMetric = regexp.MustCompile(`pieces;desc="(\d+) of (\d+) kept"`)

// piecesOf is how many pieces of an answer were kept, of how many.
func piecesOf(t *testing.T, a answer) (kept, of int) {
	t.Helper()
	m := piecesMetric.FindStringSubmatch(a.header.Get("Server-Timing"))
	if m == nil {
		return 0, 0
	}
	kept, _ = strconv.Atoi(m[1])
	of, _ = strconv.Atoi(m[2])
	return kept, of
}
