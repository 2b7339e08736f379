package timeseries

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func service(t *testing.T, database, text string) *Service {
	t.Helper()
	s, live := catalogtest.Load(t, database, text)
	return &Service{Catalog: live, Sizes: catalog.NewSizes(live, s), Store: s, Now: func() time.Time { return now }}
}

// ticks is a node with more rows than one granule, so that a key can save something.
func ticks(t *testing.T) *Service {
	t.Helper()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE ticks (time DateTime, id LowCardinality(String), price Float64, volume UInt64) ORDER BY (time, id);
		INSERT INTO ticks SELECT toDateTime('2024-01-01', 'UTC') + number, ['A', 'B', 'C'][number % 3 + 1], number / 4, number FROM numbers(200000);
	`)
	return service(t, database, "nodes: {ticks: {time: time, dimensions: [id], frequency: 1s, columns: {volume: {safe_integer: true, unit: shares}}}}")
}

func TestStatements(t *testing.T) {
	t.Parallel()
	s := ticks(t)
	node, err := s.node("ticks")
	if err != nil {
		t.Fatal(err)
	}
	const (
		raw   = "SELECT `t`.`time` AS `time`, `t`.`id` AS `id`, `t`.`price` AS `price` FROM `db`.`ticks` AS `t`"
		wired = "SELECT toDateTime64(`t`.`time`, 0, 'UTC') AS `time`, `t`.`id` AS `id`, `t`.`price` AS `price`"
	)
	tests := []struct {
		name  string
		query Query
		build func(*plan) sql.Select
		text  string
		keyed bool // whether the primary key must save reading
	}{
		{
			"a range, newest first",
			Query{Range: Range{From: "2024-01-02", To: "2024-01-02"}, Select: []string{"price"}, Limit: 10},
			(*plan).newestFirst,
			wired + " FROM `db`.`ticks` AS `t` WHERE `t`.`time` >= {p0:DateTime('UTC')} AND `t`.`time` < {p1:DateTime('UTC')} ORDER BY `t`.`time` DESC, `t`.`id` DESC LIMIT 11",
			true,
		},
		{
			"the same, oldest first",
			Query{Range: Range{From: "2024-01-02", To: "2024-01-02"}, Select: []string{"price"}, Limit: 10},
			func(p *plan) sql.Select { return p.turned(p.newestFirst()) },
			wired + ", `t`.`__framehouse_row` AS `__framehouse_row` FROM (SELECT `t`.`time` AS `time`, `t`.`id` AS `id`, `t`.`price` AS `price`, rowNumberInAllBlocks() AS `__framehouse_row`" +
				" FROM (" + raw + " WHERE `t`.`time` >= {p0:DateTime('UTC')} AND `t`.`time` < {p1:DateTime('UTC')} ORDER BY `t`.`time` DESC, `t`.`id` DESC LIMIT 11) AS `t`) AS `t`" +
				" ORDER BY `t`.`__framehouse_row` DESC",
			true,
		},
		{
			"a start between two seconds begins with the next",
			Query{Range: Range{From: "2024-01-03T00:00:00.5Z"}, Select: []string{"price"}, Identifiers: []string{"A", "B"}},
			(*plan).newestFirst,
			wired + " FROM `db`.`ticks` AS `t` WHERE `t`.`time` > {p0:DateTime('UTC')} AND `t`.`id` IN {p1:Array(String)} ORDER BY `t`.`time` DESC, `t`.`id` DESC LIMIT 10001",
			true,
		},
		{
			"latest",
			Query{Identifiers: []string{"A"}, Select: []string{"price"}},
			(*plan).latest,
			wired + " FROM (" + raw + " WHERE `t`.`id` = {p0:String} AND (`t`.`id`, `t`.`time`) GLOBAL IN " +
				"(SELECT `t`.`id` AS `__framehouse_series0`, max(`t`.`time`) AS `__framehouse_last` FROM `db`.`ticks` AS `t` WHERE `t`.`id` = {p1:String} GROUP BY `t`.`id`)" +
				" ORDER BY `t`.`time` DESC, `t`.`price` DESC LIMIT 1 BY `t`.`id`) AS `t` LIMIT 10001",
			false,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := newPlan(node, test.query, now)
			if err != nil {
				t.Fatal(err)
			}
			statement := test.build(p).Build()
			if got := strings.ReplaceAll(statement.Text, node.Source.Database, "db"); got != test.text {
				t.Errorf("statement\n got %s\nwant %s", got, test.text)
			}
			explained := explain(t, statement)
			m := regexp.MustCompile(`(?s)PrimaryKey.*?Granules: (\d+)/(\d+)`).FindStringSubmatch(explained)
			if test.keyed && (m == nil || m[1] == m[2]) {
				t.Errorf("the primary key saves nothing:\n%s", explained)
			}
		})
	}
}

// explain asks ClickHouse how it would run a statement.
func explain(t *testing.T, statement sql.Statement) string {
	t.Helper()
	return explained(t, "indexes = 1", statement)
}

// explained has more of it: a kind is a setting of EXPLAIN.
func explained(t *testing.T, kind string, statement sql.Statement) string {
	t.Helper()
	text := statement.Text
	for _, p := range statement.Params {
		if strings.HasPrefix(p.Type, "Array(") {
			p.Value = strings.ReplaceAll(p.Value, "'", "\\'") // here it stands in quotes
		}
		text = strings.ReplaceAll(text, "{"+p.Name+":"+p.Type+"}", "CAST('"+p.Value+"', '"+strings.ReplaceAll(p.Type, "'", "\\'")+"')")
	}
	for i, setting := range statement.Settings {
		text += []string{" SETTINGS ", ", "}[min(i, 1)] + fmt.Sprintf("%s = %d", setting.Name, setting.Value)
	}
	return storetest.Query(t, "", "EXPLAIN "+kind+" "+text)
}

func TestRows(t *testing.T) {
	t.Parallel()
	s := ticks(t)
	type row struct {
		Time   string
		ID     string
		Price  float64
		Volume uint64
	}
	read := func(q Query) ([]row, contracts.Meta) {
		t.Helper()
		q.Node = "ticks"
		frame, err := catalogtest.Run(t.Context())(s.Rows(q))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := contracts.Rows[row](frame)
		if err != nil {
			t.Fatal(err)
		}
		return rows, frame.Meta
	}
	// 200,000 rows, of which the newest are kept, oldest first, through several batches.
	rows, meta := read(Query{Limit: 100_000})
	if len(rows) != 100_000 || !meta.Tabular.Truncated || meta.Tabular.RowCount != 100_000 {
		t.Fatalf("%d rows, %+v", len(rows), meta.Tabular)
	}
	for i, r := range rows {
		if want := uint64(100_000 + i); r.Volume != want {
			t.Fatalf("row %d has the volume %d, not %d", i, r.Volume, want)
		}
	}
	if m := meta.TimeSeries; m.ValueField != "price" || m.SeriesField != "id" || !m.Sorted || m.Frequency != "1s" || m.UnitByField["volume"] != "shares" {
		t.Errorf("time series %+v", m)
	}
	rows, meta = read(Query{Limit: 100_000, Descending: true})
	if len(rows) != 100_000 || rows[0].Volume != 199_999 || rows[99_999].Volume != 100_000 || !meta.Tabular.Truncated || meta.TimeSeries.Sorted {
		t.Errorf("newest first: %d rows from %+v to %+v, %+v", len(rows), rows[0], rows[len(rows)-1], meta.Tabular)
	}
	// Ranges that follow each other neither overlap nor leave a gap.
	first, _ := read(Query{Range: Range{From: "2024-01-01", To: "2024-01-01T00:01:00Z"}})
	second, _ := read(Query{Range: Range{From: "2024-01-01T00:01:00Z", To: "2024-01-01T00:02:00Z"}})
	if len(first) != 60 || len(second) != 60 || first[59].Volume != 59 || second[0].Volume != 60 {
		t.Errorf("two minutes: %d and %d rows", len(first), len(second))
	}
	// Exactly as many rows as the limit are not cut; one more is.
	for _, limit := range []int64{59, 60, 61} {
		rows, meta := read(Query{Range: Range{From: "2024-01-01", To: "2024-01-01T00:01:00Z"}, Limit: limit})
		if got, cut := int64(len(rows)), meta.Tabular.Truncated; got != min(limit, 60) || cut != (limit < 60) || rows[len(rows)-1].Volume != 59 {
			t.Errorf("limit %d: %d rows, cut %v", limit, got, cut)
		}
	}
	// A range without rows has none, and is an answer all the same.
	if rows, meta := read(Query{Range: Range{From: "1950-01-01", To: "1960-01-01"}}); len(rows) != 0 || meta.Tabular.Truncated {
		t.Errorf("the fifties: %d rows", len(rows))
	}
	if rows, _ := read(Query{Range: Range{From: "1950-01-01", To: "2250-01-01"}, Limit: 5}); len(rows) != 5 {
		t.Errorf("three centuries: %d rows", len(rows))
	}
}

func TestLatest(t *testing.T) {
	t.Parallel()
	s := ticks(t)
	frame, err := catalogtest.Run(t.Context())(s.Latest(Query{Node: "ticks", Select: []string{"volume"}}))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := contracts.Rows[struct {
		Time   string
		ID     string
		Volume uint64
	}](frame)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || rows[0].ID != "A" || rows[0].Volume != 199_998 || rows[2].ID != "C" || rows[2].Volume != 199_997 {
		t.Errorf("latest: %+v", rows)
	}
}
