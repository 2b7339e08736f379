package store

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

var operators = []string{">", ">=", "<", "<="}

func satisfies(value time.Time, operator string, instant time.Time) bool {
	c := value.Compare(instant)
	return operator == ">" && c > 0 || operator == ">=" && c >= 0 || operator == "<" && c < 0 || operator == "<=" && c <= 0
}

// A comparison with any instant counts the rows that a comparison of instants in Go
// counts, however much finer the instant is than the column or how far beyond its reach.
func TestBound(t *testing.T) {
	t.Parallel()
	types := []string{
		"Date", "Date32", "DateTime", "DateTime('America/St_Johns')", "DateTime64(0)", "DateTime64(3, 'Asia/Kolkata')",
		"DateTime64(6)", "DateTime64(8)", "DateTime64(9, 'Europe/Berlin')",
	}
	database := storetest.Database(t)
	s := open(t, Config{Server: server(t, database)})
	for i, name := range types {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(7, uint64(i)))
			typ := parsed(t, name)
			c := typ.clock()
			values := instants(random, c)
			table := fmt.Sprintf("t%d", i)
			storetest.Exec(t, database, "CREATE TABLE "+table+" (v "+name+") ENGINE = MergeTree ORDER BY v")
			var rows []string
			for i, v := range values {
				if values[i] = c.floor(v); values[i].Before(c.first) || values[i].After(c.last) {
					values[i] = c.first
				}
				rows = append(rows, fmt.Sprintf("(%d)", ticks(c, values[i])))
			}
			// As the type stores it, so that the test does not rest on how text is read.
			stored := map[string]string{"Date": "UInt16", "Date32": "Int32", "DateTime": "UInt32", "DateTime64": "Int64"}[typ.Name]
			convert := "reinterpret"
			if typ.Name == "Date32" {
				convert = "CAST" // counts days too; there is no other way
			}
			storetest.Exec(t, database, fmt.Sprintf("INSERT INTO %s SELECT %s(n, '%s') FROM VALUES('n %s', %s)",
				table, convert, strings.ReplaceAll(name, "'", `\'`), stored, strings.Join(rows, ", ")))

			type question struct {
				operator string
				instant  time.Time
			}
			var asked []question
			var counts []sql.Expr
			check := func() {
				t.Helper()
				query := sql.Select{
					Columns: []sql.Column{{Expr: sql.Call("toString", sql.Call("arrayJoin", sql.Call("array", counts...))), As: "n"}},
					From:    sql.Table{Database: database, Name: table}, Alias: "t",
				}
				got, err := firstColumn(t.Context(), s, query.Build())
				if err != nil {
					t.Fatal(err)
				}
				for i, q := range asked {
					want := 0
					for _, v := range values {
						if satisfies(v, q.operator, q.instant) {
							want++
						}
					}
					if got[i] != fmt.Sprint(want) {
						t.Errorf("v %s %s holds for %s rows, want %d", q.operator, q.instant.Format(time.RFC3339Nano), got[i], want)
					}
				}
				asked, counts = nil, nil
			}
			for _, instant := range neighbours(append(instants(random, c), values[:20]...)) {
				for _, operator := range operators {
					bound := typ.Bound(sql.Ref{Table: "t", Column: "v"}, operator, instant)
					if bound == nil {
						bound = sql.Text("1")
					}
					asked = append(asked, question{operator, instant})
					counts = append(counts, sql.Call("countIf", bound))
				}
				if len(counts) > 400 {
					check()
				}
			}
			check()
		})
	}
}

// ticks is an instant as the type stores it, counted from 1970.
func ticks(c clock, instant time.Time) int64 {
	seconds := instant.Unix()
	if c.unit > time.Second {
		return seconds / int64(c.unit/time.Second)
	}
	return seconds*int64(time.Second/c.unit) + int64(instant.Nanosecond())/int64(c.unit)
}

// instants are random ones within and beyond what a clock reaches, and its ends.
func instants(random *rand.Rand, c clock) []time.Time {
	all := []time.Time{c.first, c.last, time.Unix(0, 0).UTC(), {}, time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(-50, 1, 1, 0, 0, 0, 1, time.UTC)}
	span := c.last.Unix() - c.first.Unix()
	for range 40 {
		all = append(all, time.Unix(c.first.Unix()+random.Int64N(span), random.Int64N(1e9)).UTC())
		all = append(all, time.Unix(c.first.Unix()-span/2+random.Int64N(2*span), random.Int64N(1e9)).UTC())
		all = append(all, time.Unix(random.Int64N(2_000)-1_000, random.Int64N(1e9)).UTC())
	}
	return all
}

// neighbours adds to each instant those just before and after it, and one in another zone.
func neighbours(instants []time.Time) []time.Time {
	var all []time.Time
	for _, instant := range instants {
		all = append(all, instant, instant.Add(-1), instant.Add(1), instant.In(time.FixedZone("", 5*3600)))
	}
	return all
}

// The primary key is used for a bound and for an equality, also when the column is selected
// through an expression that gets the column's name.
func TestPrimaryKeyIsUsed(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	s := open(t, Config{Server: server(t, database)})
	day := time.Date(2026, 1, 10, 12, 0, 0, 500, time.UTC)
	tests := []struct{ typ, from, literal string }{
		{"Date", "toDate('2026-01-01') + intDiv(number, 1000)", "2026-01-10"},
		{"DateTime('Asia/Tokyo')", "toDateTime('2026-01-01', 'UTC') + number * 60", "2026-01-10T12:00:00Z"},
		{"DateTime64(3)", "toDateTime64('2026-01-01', 3, 'UTC') + number * 60", "2026-01-10T12:00:00.000Z"},
		{"Enum8('a' = 1, 'b' = 2, 'c' = 3)", "if(number >= 90000, 3, 1)", "c"},
		{"Decimal(18, 2)", "number", "5000"},
		{"UUID", "toUUID(concat(leftPad(hex(number), 8, '0'), '-0000-0000-0000-000000000000'))", "00001388-0000-0000-0000-000000000000"},
		{"IPv4", "toIPv4(number)", "0.0.19.136"},
		{"FixedString(8)", "leftPad(toString(number), 8, '0')", "00005000"},
		{"LowCardinality(String)", "leftPad(toString(intDiv(number, 1000)), 3, '0')", "050"},
		{"Int64", "number", "5000"},
		{"Float64", "number", "5000"},
	}
	for i, test := range tests {
		t.Run(test.typ, func(t *testing.T) {
			typ := parsed(t, test.typ)
			table := fmt.Sprintf("t%d", i)
			storetest.Exec(t, database, "CREATE TABLE "+table+" (v "+test.typ+") ENGINE = MergeTree ORDER BY v SETTINGS index_granularity = 100")
			storetest.Exec(t, database, "INSERT INTO "+table+" SELECT "+test.from+" FROM numbers(100000)")
			ref := sql.Ref{Table: "t", Column: "v"}
			value, err := typ.Literal(test.literal)
			if err != nil {
				t.Fatal(err)
			}
			conditions := map[string][]sql.Expr{
				"equal": {sql.In{Expr: ref, Values: []sql.Value{value}}},
				"among": {sql.In{Expr: ref, Values: []sql.Value{value, value}}},
			}
			if typ.Temporal() {
				conditions["range"] = []sql.Expr{typ.Bound(ref, ">=", day), typ.Bound(ref, "<", day.Add(48*time.Hour))}
			}
			for name, where := range conditions {
				statement := sql.Select{
					Columns: []sql.Column{{Expr: typ.Wire(ref), As: "v"}}, From: sql.Table{Database: database, Name: table}, Alias: "t",
					Where: where, OrderBy: []sql.Order{{Expr: ref}},
				}.Build()
				if rows := find(t, s, database, table, value); rows == 0 {
					t.Errorf("%s: no rows, so there is nothing to find by a key", name)
				}
				read, all := granules(t, s, statement)
				if read == 0 || read > all/5 {
					t.Errorf("%s reads %d of %d granules", name, read, all)
				}
			}
		})
	}
}

var granulesRead = regexp.MustCompile(`Granules: (\d+)/(\d+)`)

// granules is how much of the table a statement reads after the key has been looked at.
func granules(t *testing.T, s *Store, statement sql.Statement) (read, all int) {
	t.Helper()
	rows, err := selectRows[struct {
		Explain string `json:"explain"`
	}](t.Context(), s, "EXPLAIN indexes = 1 "+statement.Text, statement.Params...)
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for _, row := range rows {
		plan.WriteString(row.Explain + "\n")
	}
	_, key, _ := strings.Cut(plan.String(), "PrimaryKey")
	found := granulesRead.FindStringSubmatch(key)
	if found == nil {
		t.Fatalf("the plan says nothing of a key:\n%s", plan.String())
	}
	read, _ = strconv.Atoi(found[1])
	all, _ = strconv.Atoi(found[2])
	return read, all
}
