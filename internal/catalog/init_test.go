package catalog

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/store/storetest"
)

// drafted is what Init writes about a database, which must be fine as it is and with every
// suggestion taken, and must be the same the second time.
func drafted(t *testing.T, connected, database string) (string, *Catalog) {
	t.Helper()
	db := open(t, connected)
	d, err := Init(t.Context(), db, database)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Init(t.Context(), db, database)
	if err != nil || string(again.Text) != string(d.Text) {
		t.Errorf("the second time it is different: %v", err)
	}
	text := string(d.Text)
	c, err := Load(t.Context(), "draft", d.Text, db)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(c.Faults) > 0 || len(c.Tables) != d.Tables || len(c.Nodes) != d.Nodes {
		t.Errorf("%d tables, %d nodes, %v\n%s", len(c.Tables), len(c.Nodes), c.Faults, text)
	}
	taken, err := Load(t.Context(), "draft", []byte(suggestion.ReplaceAllString(text, "$1$2")), db)
	if err != nil || len(taken.Faults) > 0 || len(taken.Tables) != d.Tables {
		t.Errorf("with all suggestions: %v %v\n%s", err, taken, text)
	}
	return text, c
}

// suggestion is a comment that can be taken as it stands.
var suggestion = regexp.MustCompile(`(?m)^( +)# ((?:  )?(?:[A-Za-z0-9_.]+|"(?:[^"\\]|\\.)*"):(?: [^ #].*)?)$`)

// The draft of a database with one of everything that guessing is about; what is expected
// is in testdata/draft.yaml, to be read as a whole.
func TestInit(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE customers (id UInt32 COMMENT 'Number of the customer', name String, country LowCardinality(String)) ENGINE = MergeTree ORDER BY id COMMENT 'Who buys: # everyone';
		CREATE TABLE orders (order_id UInt64, customer_id Nullable(UInt32), billing_customer_id UInt32, status Enum8('new' = 1, 'paid' = 2, 'it''s, gone' = 3),
			total_eur Decimal(18, 2), discountPct Float32, region_id String, placed_at DateTime) ENGINE = MergeTree ORDER BY order_id;
		CREATE TABLE prices_5m (symbol LowCardinality(String), ts DateTime64(3, 'UTC'), open Float64, close Float64, volume UInt64) ENGINE = ReplacingMergeTree ORDER BY (symbol, ts);
		CREATE TABLE events (day Date, user_id UInt64, at DateTime, kind LowCardinality(String), latency_ms UInt32) ENGINE = MergeTree ORDER BY (day, user_id, at);
		CREATE TABLE readings (sensor UInt16, at DateTime, temp_celsius Nullable(Float32), latitude Float64) ENGINE = MergeTree ORDER BY (sensor, toStartOfHour(at));
		CREATE TABLE positions (book String, amount Decimal(38, 10), as_of Nullable(Date), time DateTime) ENGINE = MergeTree ORDER BY book;
		CREATE TABLE settings (k String, v String, updated_at DateTime) ENGINE = ReplacingMergeTree(updated_at) ORDER BY lower(k);
		CREATE TABLE sums (k String, at Date, n SimpleAggregateFunction(sum, UInt64), state AggregateFunction(uniq, String)) ENGINE = AggregatingMergeTree ORDER BY (k, at);
		CREATE TABLE states (only AggregateFunction(uniq, String)) ENGINE = AggregatingMergeTree ORDER BY tuple();
		CREATE TABLE flips (id UInt8, sign Int8) ENGINE = CollapsingMergeTree(sign) ORDER BY id;
		CREATE TABLE small (a Int8) ENGINE = Memory;
		CREATE TABLE nothing (a Int8) ENGINE = Null;
		CREATE VIEW order_view AS SELECT order_id, total_eur, placed_at FROM orders;
		CREATE VIEW of_customer AS SELECT * FROM orders WHERE customer_id = {c:UInt32};
		CREATE MATERIALIZED VIEW per_day ENGINE = SummingMergeTree ORDER BY (kind, day) AS SELECT day, kind, count() AS n FROM events GROUP BY day, kind;
		CREATE TABLE daily_users (day Date, users UInt64) ENGINE = MergeTree ORDER BY day;
		CREATE MATERIALIZED VIEW to_daily_users TO daily_users AS SELECT day, uniqExact(user_id) AS users FROM events GROUP BY day;
	`)
	text, c := drafted(t, database, database)
	text = strings.ReplaceAll(text, database, "shop")
	const golden = "testdata/draft.yaml"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("got\n%s", text)
	}
	if view, err := c.Table("per_day"); err != nil || !view.Final || !view.Unique {
		t.Errorf("%+v, %v", view, err)
	}
	// The same from a connection to another database names the tables in full.
	elsewhere, _ := drafted(t, "", database)
	if !strings.Contains(elsewhere, "table: "+database+".orders\n") {
		t.Error(elsewhere)
	}
}

// Whatever a table or column is called, and of whatever type it is, the draft is fine.
func TestInitOddNames(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	names := []string{
		"yes", "no", "null", "true", "~", "1e3", "0x1F", "2024", "2024-01-01", ".5", "-", "--- ", "a b", " padded", "a.b", "a..b", ".", "..",
		"it's", `double"quote`, "back`tick", `back\\slash`, "größe", "订单", "🛩", "a_b", "new\nline", "tab\t", "#", "a: b", "{a}", "[a]", "&a", "*a", "!a", "%a", "@a", "?", "a,b",
		"tables", "nodes", "columns", "key", "UPPER", "upper", "__framehouse_x", "<<", strings.Repeat("long", 40), "bell\x07", "\u2028",
	}
	quote := func(s string) string {
		return "`" + strings.NewReplacer(`\\`, `\\`, "`", "\\`", "\n", `\n`, "\t", `\t`).Replace(s) + "`"
	}
	var columns []string
	for _, name := range names {
		columns = append(columns, quote(name)+" UInt8 COMMENT "+"'"+strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(name)+"'")
	}
	for i, name := range names {
		storetest.Exec(t, database, "CREATE TABLE "+quote(name)+" (`the time` DateTime, "+strings.Join(columns, ", ")+") ENGINE = MergeTree ORDER BY ("+quote(name)+", `the time`) COMMENT '# \\n: {'")
		storetest.Exec(t, database, fmt.Sprintf("CREATE TABLE key%d (%s Date, n UInt8) ENGINE = ReplacingMergeTree ORDER BY %[2]s", i, quote(name)))
	}
	text, c := drafted(t, database, database)
	// What a name ends with is cut off in a catalog where it is no more than space.
	const left = "# Left out:\n" +
		`#   "--- ": its name cannot be written in a catalog` + "\n" +
		`#   "tab\x09": its name cannot be written in a catalog` + "\n" +
		`#   "\u2028": its name cannot be written in a catalog` + "\n"
	if len(c.Tables) != 2*len(names)-3 || !strings.HasSuffix(text, left) {
		t.Errorf("%d of %d tables:\n%s", len(c.Tables), 2*len(names), text[max(0, strings.LastIndex(text, "# Left out")):])
	}
	for _, table := range c.Tables {
		if !publishedName.MatchString(table.Name) {
			t.Errorf("the name %q", table.Name)
		}
	}
	drafted(t, "", database)
}

func TestInitEveryType(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	types := append(slices.Clone(typeTests), typeTest{typ: "AggregateFunction(sum, UInt64)"}, typeTest{typ: "AggregateFunction(quantiles(0.5, 0.9), Float64)"})
	var columns []string
	for i, test := range types {
		columns = append(columns, fmt.Sprintf("c%02d_usd %s", i, test.typ))
		storetest.Exec(t, database, fmt.Sprintf("CREATE TABLE t%02d (i UInt8, v %s, at DateTime) ENGINE = MergeTree ORDER BY (i, at)", i, test.typ)+
			" SETTINGS flatten_nested = 0, allow_suspicious_low_cardinality_types = 1")
		if sortable(test.typ) {
			storetest.Exec(t, database, fmt.Sprintf("CREATE TABLE sorted%02d (id %s, d Date) ENGINE = ReplacingMergeTree ORDER BY (id, d)", i, test.typ)+
				" SETTINGS allow_nullable_key = 1, allow_suspicious_low_cardinality_types = 1, flatten_nested = 0")
		}
	}
	storetest.Exec(t, database, "CREATE TABLE everything (id UInt8, "+strings.Join(columns, ", ")+") ENGINE = MergeTree ORDER BY id SETTINGS allow_suspicious_low_cardinality_types = 1")
	drafted(t, database, database)
}

func sortable(typ string) bool {
	return !slices.ContainsFunc([]string{"AggregateFunction", "JSON", "Dynamic", "Variant", "Nested", "Map", "Ring", "Time", "SimpleAggregateFunction"}, func(s string) bool { return strings.HasPrefix(typ, s) })
}

func TestInitManyTables(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	for i := range 500 {
		storetest.Exec(t, database, fmt.Sprintf("CREATE TABLE t%d (id UInt32, at DateTime, t%d_id UInt32, v Float64) ENGINE = MergeTree ORDER BY (id, at)", i, i+1))
	}
	if _, c := drafted(t, database, database); len(c.Tables) != 500 || len(c.Nodes) != 500 {
		t.Errorf("%d tables, %d nodes", len(c.Tables), len(c.Nodes))
	}
}

func TestInitOfNothing(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	if d, err := Init(t.Context(), db, database); err != nil || d.Tables != 0 {
		t.Errorf("of an empty database: %+v, %v", d, err)
	}
	if _, err := Init(t.Context(), db, database[:len(database)-1]); err == nil || !strings.Contains(err.Error(), `did you mean "`+database+`"?`) {
		t.Errorf("of a misspelt database: %v", err)
	}
}
