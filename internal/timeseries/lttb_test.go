package timeseries

import (
	"fmt"
	"strings"
	"testing"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
)

// TestTrianglesOfStoredTimes compares LTTB of times as they are stored with that of whole rows,
// which reckons since the start: each precision, on both sides of 1970, in a zone of its own.
func TestTrianglesOfStoredTimes(t *testing.T) {
	t.Parallel()
	for precision := range 10 {
		database := storetest.Database(t)
		storetest.Exec(t, database, fmt.Sprintf(`
			CREATE TABLE turn (time DateTime64(%[1]d, 'America/New_York'), id String, v Float64, w UInt8) ENGINE = MergeTree ORDER BY (id, time);
			INSERT INTO turn SELECT reinterpret(toInt64(number) * 7 - 1750 + toInt64(number %% 3), 'DateTime64(%[1]d, \'America/New_York\')'), toString(number %% 2), cityHash64(number) %% 1000 / 8, 0 FROM numbers(500);
		`, precision))
		s := service(t, database, "nodes: {turn: {time: time, dimensions: [id], value: v}}")
		rows := func(q Query) string {
			t.Helper()
			q.Node = "turn"
			frame, err := catalogtest.Run(t.Context())(s.Rows(q))
			if err != nil {
				t.Fatal(err)
			}
			read, err := contracts.Rows[struct {
				Time, ID string
				V        float64
				W        int
			}](frame)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(len(read), read)
		}
		span := Range{From: "1969-01-01", To: "1971-01-01"}
		plain, every := rows(Query{Range: span, Select: []string{"v"}}), rows(Query{Range: span, Select: []string{"v"}, Points: 500, Downsample: lttb})
		if plain != every || !strings.HasPrefix(plain, "500 ") {
			t.Errorf("precision %d: all rows are\n%s\nand as many points\n%s", precision, plain, every)
		}
		stored := rows(Query{Range: span, Select: []string{"v"}, Points: 20, Downsample: lttb})
		whole := rows(Query{Range: span, Points: 20, Downsample: lttb})
		if stored != whole || !strings.HasPrefix(stored, "40 ") {
			t.Errorf("precision %d: of stored times\n%s\nof whole rows\n%s", precision, stored, whole)
		}
		q := Query{Range: span, Select: []string{"v"}, Points: 20, Downsample: lttb}
		p, err := newPlan(must(s.node("turn")), q, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.downsample(t.Context(), p, q); err != nil {
			t.Fatal(err)
		}
		// A year has 3.2e12 ticks of ten microseconds.
		if read := strings.Contains(p.derived.Build().Text, "(20)(`t`.`time`, "); read != (precision <= 5) {
			t.Errorf("precision %d: times are read as they are stored: %v", precision, read)
		}
	}
}
