package timeseries

import (
	"regexp"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// TestSortsTexts asserts that ClickHouse sorts no dictionary with derived rows
// and that answers have theirs all the same.
func TestSortsTexts(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE noted (time DateTime64(3), id LowCardinality(String), place LowCardinality(Nullable(String)), v Float64, note LowCardinality(String)) ORDER BY (id, time);
		INSERT INTO noted SELECT fromUnixTimestamp64Milli(toInt64(number) * 1000), toString(number % 7), if(number % 2, NULL, toString(number % 3)), number, toString(number % 5) FROM numbers(20000);
	`)
	s := service(t, database, "nodes: {noted: {time: time, dimensions: [id, place], value: v, max_rows: 100000}}")
	day := Range{From: "1970-01-01", To: "1970-01-01"}
	for name, q := range map[string]Query{
		"buckets":            {Range: day, Buckets: Buckets{Interval: "1m", Agg: []string{"last"}}},
		"filled buckets":     {Range: day, Buckets: Buckets{Interval: "1m", Agg: []string{"last"}, Fill: "previous"}},
		"m4":                 {Range: day, Points: 40, Downsample: m4},
		"lttb":               {Range: day, Points: 40, Downsample: lttb, Select: []string{"v"}},
		"lttb of whole rows": {Range: day, Points: 40, Downsample: lttb},
		"newest buckets":     {Range: day, Buckets: Buckets{Interval: "1m", Agg: []string{"last"}}, Limit: 10},
	} {
		q.Node = "noted"
		p, err := s.plan(q)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.downsample(t.Context(), p, q); err != nil {
			t.Fatal(err)
		}
		for order, query := range map[string]sql.Select{"newest first": p.newestFirst(), "turned": p.turned(p.newestFirst())} {
			query.Settings = p.settings
			plan := explained(t, "header = 1", query.Build())
			if sorted := sortedColumns.FindString(plan); !strings.Contains(sorted, "String") {
				t.Errorf("%s, %s: no texts are sorted:\n%s", name, order, plan)
			} else if strings.Contains(sorted, "LowCardinality") {
				t.Errorf("%s, %s: a dictionary is sorted:\n%s", name, order, sorted)
			}
		}
		frame, err := catalogtest.Run(t.Context())(s.Rows(q))
		if err != nil {
			t.Fatal(err)
		}
		for _, column := range []string{"id", "place"} {
			if fields, _ := frame.Schema().FieldsByName(column); len(fields) != 1 || fields[0].Type.ID() != arrow.DICTIONARY {
				t.Errorf("%s: %s comes in %s", name, column, frame.Schema())
			}
		}
		frame.Close()
	}
}

// sortedColumns are the columns that the outermost ORDER BY sorts, as ClickHouse explains it.
var sortedColumns = regexp.MustCompile(`(?s)Sorting for ORDER BY\)(.*?)Sort description`)
