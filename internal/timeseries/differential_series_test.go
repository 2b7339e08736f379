package timeseries

import (
	"cmp"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
)

// observation is a row as a slow and obvious program holds it.
type observation struct {
	at     time.Time
	series string
	value  *big.Rat // nil for null, and for what is no number
	other  string
}

func (o observation) String() string {
	value := "null"
	if o.value != nil {
		value = o.value.RatString()
	}
	return o.at.Format(time.RFC3339Nano) + " " + o.series + " " + value + " " + o.other
}

// noise is a node with rows of random times, some of them the same, and random values of a
// type, in a random order of its key.
func noise(t *testing.T, r *rand.Rand, timeType, valueType string) (*Service, []observation) {
	database := storetest.Database(t)
	key := []string{"(time, id)", "(id, time)", "tuple()"}[r.IntN(3)]
	storetest.Exec(t, database, fmt.Sprintf("CREATE TABLE noise (time %s, id LowCardinality(String), v %s, other Nullable(Int32)) ENGINE = MergeTree ORDER BY %s", timeType, valueType, key))
	n := r.IntN(400)
	var rows []string
	for i := range n {
		seconds := r.IntN(1 + r.IntN(3000))
		at := time.Date(1969, 12, 31, 23, 30, 0, 0, time.UTC)
		text := ""
		switch {
		case strings.HasPrefix(timeType, "DateTime64"):
			p, _ := strconv.Atoi(timeType[len("DateTime64(") : len("DateTime64(")+1])
			text = at.Add(time.Duration(seconds)*time.Second + time.Duration(r.IntN(4))).Format("2006-01-02 15:04:05.000000000")[:20+p]
		case timeType == "Date32":
			text = at.AddDate(0, 0, seconds).Format(time.DateOnly)
		case timeType == "Date":
			text = at.AddDate(0, 0, 1+seconds).Format(time.DateOnly)
		default:
			text = at.Add(2*time.Hour + time.Duration(seconds)*time.Second).Format(time.DateTime)
		}
		value := strconv.Itoa(r.IntN(21) - 10)
		switch {
		case strings.HasPrefix(valueType, "UInt"):
			value = strconv.FormatUint(r.Uint64()>>r.IntN(64), 10)
		case valueType == "Int64":
			value = strconv.FormatInt(int64(r.Uint64())>>r.IntN(64), 10)
		case strings.Contains(valueType, "Decimal(38"):
			value += fmt.Sprintf(".%010d", r.IntN(3))
		case strings.Contains(valueType, "Decimal"):
			value += fmt.Sprintf(".%02d", r.IntN(100))
		case strings.Contains(valueType, "Float") && r.IntN(2) == 0:
			value = strconv.FormatFloat(r.NormFloat64(), 'g', -1, 32)
		}
		if strings.HasPrefix(valueType, "Nullable") && r.IntN(5) == 0 {
			value = "NULL"
		} else if strings.Contains(valueType, "Float") && r.IntN(8) == 0 {
			value = []string{"nan", "inf", "-inf"}[r.IntN(3)]
		}
		// A row is known by its number, so that a mixture of two is found.
		rows = append(rows, fmt.Sprintf("('%s', '%c', %s, %d)", text, 'A'+rune(r.IntN(3)), value, i))
	}
	if n > 0 {
		// In two parts, which ClickHouse reads side by side.
		half := n / 2
		storetest.Exec(t, database, "INSERT INTO noise VALUES "+strings.Join(rows[half:], ","))
		if half > 0 {
			storetest.Exec(t, database, "INSERT INTO noise VALUES "+strings.Join(rows[:half], ","))
		}
	}
	s := service(t, database, "nodes: {noise: {time: time, dimensions: [id], value: v}}")
	frame, err := catalogtest.Run(t.Context())(s.Rows(Query{Node: "noise", Limit: 100_000}))
	if err != nil {
		t.Fatal(err)
	}
	all := observations(t, frame)
	if len(all) != n {
		t.Fatalf("%d rows of %d", len(all), n)
	}
	return s, all
}

// observations reads the columns time, series, value and other of a frame.
func observations(t *testing.T, frame *contracts.Frame) []observation {
	t.Helper()
	defer frame.Close()
	var all []observation
	for {
		record, err := frame.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		for row := range int(record.NumRows()) {
			cell := func(i int) string {
				if i >= int(record.NumCols()) {
					return ""
				}
				text, null, err := contracts.CellText(record.Column(i), row)
				if err != nil {
					t.Fatal(err)
				}
				if null {
					return "null"
				}
				return text
			}
			o := observation{at: parsed(cell(0)), series: cell(1), other: cell(3)}
			o.value, _ = new(big.Rat).SetString(cell(2))
			all = append(all, o)
		}
	}
}

var (
	noiseTimes  = []string{"DateTime", "DateTime64(3, 'UTC')", "DateTime64(9, 'UTC')", "Date", "Date32", "DateTime64(2, 'Asia/Kathmandu')"}
	noiseValues = []string{
		"Float64", "Float32", "Nullable(Float64)", "Int8", "Int64", "UInt64", "Nullable(UInt32)", "Decimal(9, 2)", "Nullable(Decimal(18, 2))",
		"Decimal(38, 10)", "Int128",
	}
)

func eachNoise(t *testing.T, check func(t *testing.T, r *rand.Rand, s *Service, all []observation)) {
	for i := range 24 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(5, uint64(i)))
			timeType, valueType := noiseTimes[i%len(noiseTimes)], noiseValues[i%len(noiseValues)]
			s, all := noise(t, r, timeType, valueType)
			defer func() {
				if t.Failed() {
					t.Logf("time %s, value %s, %d rows", timeType, valueType, len(all))
				}
			}()
			check(t, r, s, all)
		})
	}
}

func bySeries(all []observation) map[string][]observation {
	series := map[string][]observation{}
	for _, o := range all {
		series[o.series] = append(series[o.series], o)
	}
	return series
}

// drawable are the rows with a finite number.
func drawable(all []observation) []observation {
	return slices.DeleteFunc(slices.Clone(all), func(o observation) bool { return o.value == nil })
}

// set is rows without order; rows that share series, time and value count as one.
func set(all []observation) []string {
	lines := map[string]bool{}
	for _, o := range all {
		o.other = ""
		lines[o.String()] = true
	}
	var sorted []string
	for line := range lines {
		sorted = append(sorted, line)
	}
	slices.Sort(sorted)
	return sorted
}

// whole tells whether all rows are among others, with all their cells.
func whole(t *testing.T, got, all []observation) {
	t.Helper()
	known := map[string]bool{}
	for _, o := range all {
		known[o.String()] = true
	}
	for _, o := range got {
		if !known[o.String()] {
			t.Errorf("%s is no row of the data", o)
		}
	}
}

// m4Of is M4 as its definition says it.
func m4Of(all []observation, start, end time.Time, tick time.Duration, points int64) []observation {
	columns := points / 4
	length := int64(end.Sub(start) / tick)
	width := (length + columns - 1) / columns
	var kept []observation
	for _, rows := range bySeries(drawable(all)) {
		groups := map[int64][]observation{}
		for _, o := range rows {
			n := int64(o.at.Sub(start)/tick) / width
			groups[n] = append(groups[n], o)
		}
		for _, group := range groups {
			earliest := func(a, b observation) int { return a.at.Compare(b.at) }
			byTime := func(a, b observation) int { return cmp.Or(earliest(a, b), a.value.Cmp(b.value)) }
			kept = append(kept, slices.MinFunc(group, byTime), slices.MaxFunc(group, byTime),
				slices.MinFunc(group, func(a, b observation) int { return cmp.Or(a.value.Cmp(b.value), earliest(a, b)) }),
				slices.MaxFunc(group, func(a, b observation) int { return cmp.Or(a.value.Cmp(b.value), -earliest(a, b)) }))
		}
	}
	return kept
}

func TestM4IsItsDefinition(t *testing.T) {
	t.Parallel()
	eachNoise(t, func(t *testing.T, r *rand.Rand, s *Service, all []observation) {
		tick, _, _ := must(s.node("noise")).Time.Type.Reach()
		for _, selected := range [][]string{{"v"}, {"v", "other"}} {
			points := int64(4 + r.IntN(60))
			q := Query{Node: "noise", Points: points, Downsample: m4, Select: selected}
			if r.IntN(2) == 0 && len(all) > 0 {
				q.Range = Range{From: all[r.IntN(len(all))].at.Format(time.RFC3339Nano), To: all[len(all)-1].at.Add(3 * tick).Format(time.RFC3339Nano)}
			}
			frame, err := catalogtest.Run(t.Context())(s.Rows(q))
			if err != nil {
				t.Fatal(err)
			}
			from, to := frame.Meta.Range.From, frame.Meta.Range.To
			within := slices.DeleteFunc(slices.Clone(all), func(o observation) bool {
				return from != nil && o.at.Before(*from) || to != nil && !o.at.Before(*to)
			})
			got := observations(t, frame)
			if len(within) == 0 {
				if len(got) > 0 {
					t.Errorf("%d rows of nothing", len(got))
				}
				continue
			}
			start, end := within[0].at, within[len(within)-1].at.Add(tick)
			if from != nil {
				start, end = *from, *to
			}
			want := m4Of(within, start, end, tick, points)
			if !slices.Equal(set(got), set(want)) {
				t.Errorf("m4 of %d points, %v\n got %v\nwant %v", points, selected, set(got), set(want))
			}
			if len(got) != len(set(got)) {
				t.Errorf("%d rows, of which %d differ", len(got), len(set(got)))
			}
			for name, rows := range bySeries(got) {
				if int64(len(rows)) > points {
					t.Errorf("%d points of %s, not %d", len(rows), name, points)
				}
			}
			if len(selected) == 2 {
				whole(t, got, all)
			}
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestLTTBKeepsRows(t *testing.T) {
	t.Parallel()
	eachNoise(t, func(t *testing.T, r *rand.Rand, s *Service, all []observation) {
		for _, selected := range [][]string{{"v"}, {"v", "other"}} {
			points := int64(2 + r.IntN(30))
			frame, err := catalogtest.Run(t.Context())(s.Rows(Query{Node: "noise", Points: points, Downsample: lttb, Select: selected}))
			if err != nil {
				t.Fatal(err)
			}
			got := observations(t, frame)
			if len(selected) == 2 {
				whole(t, got, all)
			} else {
				for _, line := range set(got) {
					if !slices.Contains(set(all), line) {
						t.Errorf("%s is no row of the data", line)
					}
				}
			}
			series := bySeries(got)
			for name, rows := range bySeries(drawable(all)) {
				got := series[name]
				if len(got) == 0 || int64(len(got)) > points {
					t.Fatalf("%d points of %s, not %d", len(got), name, points)
				}
				if !got[0].at.Equal(rows[0].at) || points > 1 && !got[len(got)-1].at.Equal(rows[len(rows)-1].at) {
					t.Errorf("%s goes from %s to %s, not from %s to %s", name, got[0], got[len(got)-1], rows[0], rows[len(rows)-1])
				}
			}
		}
	})
}

func TestLatestIsTheLast(t *testing.T) {
	t.Parallel()
	eachNoise(t, func(t *testing.T, r *rand.Rand, s *Service, all []observation) {
		q := Query{Node: "noise"}
		if len(all) > 0 && r.IntN(4) > 0 {
			q.Latest.At = all[r.IntN(len(all))].at.Format(time.RFC3339Nano)
		}
		frame, err := catalogtest.Run(t.Context())(s.Latest(q))
		if err != nil {
			t.Fatal(err)
		}
		latest := map[string]observation{}
		for _, o := range all {
			at := frame.Meta.Range.To
			if at != nil && o.at.After(*at) {
				continue
			}
			// Rows are in order of time, and a number counts more than none.
			if last, ok := latest[o.series]; !ok || o.at.After(last.at) || o.value != nil && (last.value == nil || o.value.Cmp(last.value) > 0) {
				latest[o.series] = o
			}
		}
		var want []observation
		for _, name := range []string{"A", "B", "C"} {
			if o, ok := latest[name]; ok {
				want = append(want, o)
			}
		}
		got := observations(t, frame)
		whole(t, got, all)
		same := len(got) == len(want)
		for i := 0; same && i < len(got); i++ {
			// Of NaN and infinities the test knows only that they are no numbers.
			same = got[i].at.Equal(want[i].at) && got[i].series == want[i].series &&
				(got[i].value == nil || want[i].value == nil || got[i].value.Cmp(want[i].value) == 0)
		}
		if !same {
			t.Errorf("at %s\n got %v\nwant %v", q.Latest.At, got, want)
		}
	})
}

// TestLatestSteps has the same answer found in steps and in one go.
func TestLatestSteps(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"(time, id)", "(id, time)"} {
		database := storetest.Database(t)
		// Each series ends at another time, the last one long ago.
		storetest.Exec(t, database, fmt.Sprintf(`
			CREATE TABLE many (time DateTime, id String, v UInt32) ENGINE = MergeTree ORDER BY %s;
			INSERT INTO many SELECT toDateTime('2024-03-31 15:00:00', 'UTC') - intDiv(number, 50) * 60, 'S' || toString(number %% 50), number FROM numbers(300000);
			INSERT INTO many VALUES ('2024-03-31 15:30:00', 'later', 1);
			DELETE FROM many WHERE id = 'S7' AND time > '2024-03-31 06:00:00';
		`, key))
		s := service(t, database, "nodes: {many: {time: time, dimensions: [id], frequency: 1m}}")
		for _, quiet := range []bool{false, true} {
			if quiet {
				storetest.Exec(t, database, "INSERT INTO many VALUES ('1999-01-01 00:00:00', 'gone', 1)")
			}
			p, err := newPlan(must(s.node("many")), Query{}, now)
			if err != nil {
				t.Fatal(err)
			}
			p.order = p.order[1:]
			frame, err := s.run(t.Context(), p, p.latest(), false)
			if err != nil {
				t.Fatal(err)
			}
			want := observations(t, frame)
			if frame, err = catalogtest.Run(t.Context())(s.Latest(Query{Node: "many"})); err != nil {
				t.Fatal(err)
			}
			if got := observations(t, frame); fmt.Sprint(got) != fmt.Sprint(want) || len(got) < 51 {
				t.Errorf("key %s: %d rows\n got %v\nwant %v", key, len(got), got, want)
			}
		}
	}
}

func TestWideIsLongTurned(t *testing.T) {
	t.Parallel()
	eachNoise(t, func(t *testing.T, r *rand.Rand, s *Service, all []observation) {
		frame, err := catalogtest.Run(t.Context())(s.Rows(Query{Node: "noise", Shape: "wide", Select: []string{"other"}, Descending: r.IntN(2) == 0}))
		if err != nil {
			t.Fatal(err)
		}
		document, err := written(frame)
		if err != nil {
			t.Fatal(err)
		}
		greatest, names := map[string]int{}, map[string]bool{}
		times := map[time.Time]bool{}
		for _, o := range all {
			n, _ := strconv.Atoi(o.other)
			key := o.at.Format(time.RFC3339Nano) + o.series
			if before, ok := greatest[key]; !ok || n > before {
				greatest[key] = n
			}
			names[o.series], times[o.at] = true, true
		}
		if len(document.Rows) != len(times) || len(document.Columns) != 1+len(names) || !slices.IsSorted(document.Columns[1:]) {
			t.Fatalf("%d rows, columns %v; want %d rows of %v", len(document.Rows), document.Columns, len(times), names)
		}
		for _, row := range document.Rows {
			at := parsed(strings.Trim(string(row["time"]), `"`))
			for _, name := range document.Columns[1:] {
				want := "null"
				if n, ok := greatest[at.Format(time.RFC3339Nano)+name]; ok {
					want = strconv.Itoa(n)
				}
				if string(row[name]) != want {
					t.Errorf("%s of %s is %s, not %s", name, at, row[name], want)
				}
			}
		}
	})
}

func TestAsOfIsTheLastBefore(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		r := rand.New(rand.NewPCG(7, uint64(i)))
		database := storetest.Database(t)
		types := [][2]string{{"DateTime64(3)", "DateTime64(6)"}, {"DateTime", "Date"}, {"Date", "DateTime64(9)"}, {"DateTime64(9)", "DateTime"}}[i%4]
		random := func(typ string) (text string, at time.Time) {
			at = time.Date(2024, 1, 1+r.IntN(5), r.IntN(24), r.IntN(2), r.IntN(2), r.IntN(4), time.UTC)
			if i%2 == 0 {
				at = at.Add(time.Duration(r.IntN(3)) * time.Millisecond)
			}
			layout := time.DateTime
			switch typ {
			case "Date":
				layout = time.DateOnly
			case "DateTime64(3)":
				layout += ".000"
			case "DateTime64(6)":
				layout += ".000000"
			case "DateTime64(9)":
				layout += ".000000000"
			}
			text = at.Format(layout)
			at, _ = time.Parse(layout, text)
			return text, at
		}
		type row struct {
			at time.Time
			id int
			n  int
		}
		var sides [2][]row
		for side, name := range []string{"l", "r"} {
			storetest.Exec(t, database, fmt.Sprintf("CREATE TABLE %s (time %s, id String, n Int32) ENGINE = MergeTree ORDER BY time", name, types[side]))
			var values []string
			seen := map[string]bool{}
			for n := range 150 {
				text, at := random(types[side])
				id := r.IntN(3)
				if key := fmt.Sprint(text, id); seen[key] && side == 0 {
					continue
				} else {
					seen[key] = true
				}
				sides[side] = append(sides[side], row{at, id, n})
				values = append(values, fmt.Sprintf("('%s', 'S%d', %d)", text, id, n))
			}
			storetest.Exec(t, database, "INSERT INTO "+name+" VALUES "+strings.Join(values, ","))
		}
		s := service(t, database, "nodes: {l: {time: time, dimensions: [id]}, r: {time: time, dimensions: [id]}}")
		for _, tolerance := range []string{"", "30m", "1d"} {
			frame, err := catalogtest.Run(t.Context())(s.AsOf(Query{Node: "l"}, AsOf{With: []string{"r:n"}, Tolerance: tolerance}))
			if err != nil {
				t.Fatal(err)
			}
			document, err := written(frame)
			if err != nil {
				t.Fatal(err)
			}
			limit := map[string]time.Duration{"": 1000 * day, "30m": 30 * time.Minute, "1d": day}[tolerance]
			want := map[string]string{}
			for _, left := range sides[0] {
				best, n := time.Time{}, -1
				for _, right := range sides[1] {
					if right.id == left.id && !right.at.After(left.at) && left.at.Sub(right.at) <= limit && (right.at.After(best) || right.at.Equal(best) && right.n > n) {
						best, n = right.at, right.n
					}
				}
				text := "null"
				if n >= 0 {
					text = strconv.Itoa(n)
				}
				want[strconv.Itoa(left.n)] = text
			}
			if len(document.Rows) != len(want) {
				t.Errorf("%d rows of %d", len(document.Rows), len(want))
			}
			for _, row := range document.Rows {
				if got := string(row["r.n"]); got != want[string(row["n"])] {
					t.Errorf("%v, tolerance %q: row %s at %s has %s, not %s", types, tolerance, row["n"], row["time"], got, want[string(row["n"])])
				}
			}
		}
	}
}
