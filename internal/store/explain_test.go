package store

import (
	"encoding/json"
	"errors"
	"io"
	"testing"

	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// What is to be read is what is read when the statement runs, and nothing is read for it.
func TestExplain(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE ticks (time DateTime, id UInt64, v Float64, text String, INDEX vs v TYPE minmax) ORDER BY (id, time) PARTITION BY toYYYYMM(time);
		INSERT INTO ticks SELECT toDateTime('2026-01-01') + number * 10 AS time, number % 20 AS id, number AS v, repeat('x', 50) AS text FROM numbers(500000);
		CREATE TABLE replaced (id UInt64, v UInt64) ENGINE = ReplacingMergeTree ORDER BY id;
		INSERT INTO replaced SELECT number, 1 FROM numbers(50000);
		INSERT INTO replaced SELECT number, 2 FROM numbers(50000);
		CREATE TABLE other (id UInt64) ORDER BY id AS SELECT number AS id FROM numbers(10);
		CREATE TABLE memory (id UInt64) ENGINE = Memory AS SELECT number AS id FROM numbers(10);
	`)
	s := open(t, Config{Server: server(t, database), Limits: sql.Limits{Rows: 10}})
	const granule = 8192
	for _, test := range []struct {
		text                string
		keyed               bool // few granules are left
		partial, unresolved bool
		small               bool
	}{
		{text: "SELECT t.time, t.v FROM ticks AS t WHERE t.id = 3", keyed: true},
		{text: "SELECT t.time, t.v FROM ticks AS t WHERE t.id = 3 AND t.time >= toDateTime('2026-02-20')", keyed: true},
		{text: "SELECT count() FROM ticks AS t WHERE t.v < 3000"}, // the skip index leaves something in each series
		{text: "SELECT t.text FROM ticks AS t WHERE NOT ignore(t.id)"},
		{text: "SELECT t.id, max(t.v) FROM ticks AS t GROUP BY t.id"},
		{text: "SELECT t.id FROM replaced AS t FINAL WHERE t.v = 2", small: true},
		{text: "SELECT t.id FROM ticks AS t WHERE t.time > toDateTime('2030-01-01')", keyed: true},
		{text: "SELECT t.id FROM ticks AS t WHERE t.id IN (SELECT o.id FROM other AS o WHERE o.id = 3)", unresolved: true},
		{text: "SELECT t.id, o.id FROM ticks AS t LEFT ANY JOIN memory AS o ON o.id = t.id WHERE t.id = 3", partial: true, keyed: true},
		{text: "SELECT id FROM memory", partial: true},
	} {
		t.Run(test.text, func(t *testing.T) {
			var plan Plan
			_, err := s.Query(Explaining(t.Context(), &plan), sql.Statement{Text: test.text})
			if !errors.Is(err, ErrExplained) {
				t.Fatal(err)
			}
			if plan.Partial != test.partial || plan.Unresolved != test.unresolved || plan.Limits.Rows != 10 {
				t.Errorf("%+v", plan)
			}
			var rows, bytes, granules, of, parts int64
			for _, r := range plan.Reads {
				rows, bytes, granules, of, parts = rows+r.Rows, bytes+r.Bytes, granules+r.Granules, of+r.OfGranules, parts+r.Parts
			}
			if few := granules*4 < of; few != test.keyed {
				t.Errorf("%d of %d granules", granules, of)
			}
			var ran struct {
				Statistics struct {
					Rows  int64 `json:"rows_read"`
					Bytes int64 `json:"bytes_read"`
				}
			}
			if err := json.Unmarshal([]byte(storetest.Query(t, database, test.text+" FORMAT JSON")), &ran); err != nil {
				t.Fatal(err)
			}
			if test.partial {
				return
			}
			read := ran.Statistics.Rows
			if test.unresolved {
				if read > rows {
					t.Errorf("%d rows were read, of %d at most", read, rows)
				}
				return
			}
			// A filter may pass over rows of a granule, and FINAL reads where parts meet twice.
			if read > rows+granule*parts || read < rows-granule*parts {
				t.Errorf("%d rows are to be read, and %d were", rows, read)
			}
			if bytes == 0 && rows > 0 && test.small {
				return // of parts that keep all columns in one file, ClickHouse does not know
			}
			if bytes > 3*ran.Statistics.Bytes || bytes < ran.Statistics.Bytes/3 {
				t.Errorf("%d bytes are to be read, and %d were", bytes, ran.Statistics.Bytes)
			}
		})
	}
	// A faulty statement has no plan, and it is no longer one that is explained.
	var plan Plan
	if _, err := s.Query(Explaining(t.Context(), &plan), sql.Statement{Text: "SELECT no_such FROM ticks"}); err == nil || errors.Is(err, ErrExplained) || errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}
