package timeseries

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// granules is how many granules a statement would read of the node, and of how many, for
// each time that it reads it.
func granules(t *testing.T, statement sql.Statement) (read, all []int) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?s)PrimaryKey.*?Granules: (\d+)/(\d+)`).FindAllStringSubmatch(explain(t, statement), -1) {
		r, _ := strconv.Atoi(m[1])
		a, _ := strconv.Atoi(m[2])
		read, all = append(read, r), append(all, a)
	}
	return read, all
}

// TestLatestReadsLittle is about statements: near its end a node is read by its key, whether
// that begins with the time or with the series.
func TestLatestReadsLittle(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"(time, id)", "(id, time)"} {
		database := storetest.Database(t)
		// Ten series of some twelve granules each.
		storetest.Exec(t, database, fmt.Sprintf(`
			CREATE TABLE many (time DateTime64(3), id LowCardinality(String), a Float64, b Float64) ENGINE = MergeTree ORDER BY %s;
			INSERT INTO many SELECT toDateTime64('2024-03-31 15:00:00', 3, 'UTC') - intDiv(number, 10), 'S' || toString(number %% 10), number, number FROM numbers(1000000);
			OPTIMIZE TABLE many FINAL;
		`, key))
		s := service(t, database, "nodes: {many: {time: time, dimensions: [id], frequency: 1s}}")
		p, err := newPlan(must(s.node("many")), Query{Select: []string{"a"}}, now)
		if err != nil {
			t.Fatal(err)
		}
		p.where = append(p.where, bound(p.node.Time, ">=", now.Add(-10*time.Minute), time.UTC))
		read, all := granules(t, p.latest().Build())
		if len(read) == 0 {
			t.Fatal("the primary key is not used")
		}
		for i := range read {
			// A granule or two of each series, where each has its own.
			if read[i] > 20 || all[i] < 120 {
				t.Errorf("key %s: %d of %d granules are read", key, read[i], all[i])
			}
		}
		// And a step that finds all series is the last: what is counted are series alone.
		frame, err := catalogtest.Run(t.Context())(s.Latest(Query{Node: "many"}))
		if err != nil {
			t.Fatal(err)
		}
		if rows := observations(t, frame); len(rows) != 10 {
			t.Errorf("key %s: %d rows", key, len(rows))
		}
	}
}

// TestReductionsUseTheKey asserts that neither a reduction nor a join reads what lies outside
// of the range.
func TestReductionsUseTheKey(t *testing.T) {
	t.Parallel()
	s := ticks(t)
	node := must(s.node("ticks"))
	span := Range{From: "2024-01-02", To: "2024-01-02"}
	for _, method := range []string{m4, lttb, mean} {
		for _, selected := range [][]string{{"price"}, {"price", "volume"}} {
			q := Query{Range: span, Points: 100, Downsample: method, Select: selected}
			p, err := newPlan(node, q, now)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.downsample(t.Context(), p, q); err != nil {
				t.Fatal(err)
			}
			read, all := granules(t, p.newestFirst().Build())
			if len(read) == 0 {
				t.Errorf("%s of %v: the primary key is not used", method, selected)
			}
			for i := range read {
				if read[i] == all[i] {
					t.Errorf("%s of %v reads all %d granules", method, selected, all[i])
				}
			}
		}
	}
	p, err := newPlan(node, Query{Range: span}, now)
	if err != nil {
		t.Fatal(err)
	}
	joined, err := s.joined(p, AsOf{With: []string{"ticks:price"}, Tolerance: "1m"})
	if err != nil {
		t.Fatal(err)
	}
	join, selected := joined[0].join(p, "r0")
	query := p.read()
	query.Columns = append(p.raw(), selected...)
	query.Joins = []sql.Join{join}
	explained := explain(t, query.Build())
	if n := strings.Count(explained, "PrimaryKey"); n != 2 {
		t.Errorf("the primary key is used %d times in\n%s", n, explained)
	}
}

// TestDownsampleStatement shows what M4 comes to.
func TestDownsampleStatement(t *testing.T) {
	t.Parallel()
	s := ticks(t)
	q := Query{Range: Range{From: "2024-01-01T00:00:00Z", To: "2024-01-01T01:00:00Z"}, Points: 40, Downsample: m4, Select: []string{"volume"}}
	p, err := newPlan(must(s.node("ticks")), q, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.downsample(t.Context(), p, q); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(p.derived.Build().Text, p.node.Source.Database, "db")
	const want = "FROM (SELECT minus(toInt64(CAST(`t`.`time`, 'DateTime')), {p1:Int64}) AS `__framehouse_since`, " +
		"reinterpretAsInt64(bitXor(`t`.`volume`, toUInt64(9223372036854775808))) AS `__framehouse_rank`, `t`.`id` AS `id` " +
		"FROM `db`.`ticks` AS `t` WHERE `t`.`time` >= {p2:DateTime('UTC')} AND `t`.`time` < {p3:DateTime('UTC')}) AS `t` " +
		"GROUP BY `t`.`id`, intDiv(`t`.`__framehouse_since`, {p4:Int64})"
	if !strings.Contains(got, want) {
		t.Errorf("got  %s\nwant … %s …", got, want)
	}
}

func TestCadence(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE months (day Date, id String, v UInt8) ENGINE = MergeTree ORDER BY (id, day);
		INSERT INTO months SELECT addMonths(toDate('2000-01-01'), number % 60), toString(intDiv(number, 60)), 1 FROM numbers(120);
		CREATE TABLE fast (time DateTime64(6), v UInt8) ENGINE = MergeTree ORDER BY time;
		INSERT INTO fast SELECT toDateTime64('2000-01-01 00:00:00', 6, 'UTC') + toIntervalMillisecond(250 * number), 1 FROM numbers(50000);
		CREATE TABLE lone (time DateTime, v UInt8) ENGINE = MergeTree ORDER BY time;
		INSERT INTO lone VALUES ('2000-01-01 00:00:00', 1), ('2000-01-01 00:00:00', 2);
	`)
	s := service(t, database, "nodes: {months: {time: day, dimensions: [id], frequency: 1mo}, fast: {time: time, frequency: 1s}, lone: {time: time}}")
	for node, want := range map[string]string{
		"months": "1mo 2.6784e+06 2.6784e+06 118 true",
		"fast":   "250ms 0.25 0.25 9999 false",
		"lone":   "",
	} {
		c, err := s.cadence(t.Context(), must(s.node(node)))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if c != nil {
			got = fmt.Sprint(c.MostCommon, " ", c.MostCommonSec, " ", c.MedianSec, " ", c.Gaps, " ", *c.AsDeclared)
		}
		if got != want {
			t.Errorf("%s: %s, not %s", node, got, want)
		}
	}
}

// TestBefore1970Again asks the same question until ClickHouse compiles what it aggregates
// by, which must not change the answer.
func TestBefore1970Again(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE turn (time DateTime64(9), id String, v Int32) ENGINE = MergeTree ORDER BY time;
		INSERT INTO turn SELECT fromUnixTimestamp64Nano(toInt64(number) * 1000000000 - 500000000000), 'A', number FROM numbers(1000);
	`)
	s := service(t, database, "nodes: {turn: {time: time, dimensions: [id]}}")
	for i := range 8 {
		frame, err := catalogtest.Run(t.Context())(s.Latest(Query{Node: "turn"}))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(observations(t, frame)); got != "[1970-01-01T00:08:19Z A 999 ]" {
			t.Fatalf("time %d: %s", i, got)
		}
	}
}

// TestFewPointsOfMany asks for the fewest points of more rows than LTTB is given: they are
// those of one column of M4.
func TestFewPointsOfMany(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, fmt.Sprintf(`
		CREATE TABLE many (time DateTime, v Float64) ENGINE = MergeTree ORDER BY time;
		INSERT INTO many SELECT toDateTime(number), if(number = 7, -1, if(number = 9, 2, 0)) FROM numbers(%d);
	`, mostTriangles+1))
	s := service(t, database, "nodes: {many: {time: time, value: v}}")
	for points := int64(fewestPoints); points <= pointsOfColumn; points++ {
		frame, err := catalogtest.Run(t.Context())(s.Rows(Query{Node: "many", Points: points}))
		if err != nil {
			t.Fatalf("%d points: %v", points, err)
		}
		if got := frame.Meta.Range.Downsample.Method; got != m4 {
			t.Errorf("%d points are chosen by %s", points, got)
		}
		if rows := observations(t, frame); len(rows) != 4 {
			t.Errorf("%d points: rows %v; wanted are the first, the last, the least and the greatest", points, rows)
		}
	}
}
