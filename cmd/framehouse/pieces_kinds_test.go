package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// pieceKind is a table of some kind, of which a node is. It has a column at, id, v and s, and
// those of more.
type pieceKind struct {
	name, at, more, engine string
	node                   string   // what the node's entry has beside its time and dimension
	start                  int      // the year that rows begin in, with February
	id                     string   // of rows, if it is not one of three
	values                 string   // of the columns of more, by the number of the insert
	outliers               []string // rows long before and long after all others
	changes                []string // of this kind alone
	keyed                  bool     // whether s may not be updated, for it decides which rows are one
	days                   bool     // whether times are days
	frozen                 bool     // whether rows are another answer once they are merged
}

const (
	nullableID = "if(number % 3 = 1, NULL, toString(number % 3))"
	monthly    = " PARTITION BY toYYYYMM(at)"
	nullKey    = " SETTINGS allow_nullable_key = 1"
)

// Changes of tables that are divided by month.
const (
	detachMonth = "ALTER TABLE {table} DETACH PARTITION ID '{month}';\nALTER TABLE {table} ATTACH PARTITION ID '{month}'"
	dropMonth   = "ALTER TABLE {table} DROP PARTITION ID '{month}'"
)

// pieceKinds are all kinds whose pieces are told apart in some way of their own. In their
// statements {table} is their name, {day} one of the first sixty that there are rows of, {month}
// and {year} are those after it, and {n} is the number of the change.
var pieceKinds = []pieceKind{
	{
		name: "old", at: "DateTime64(3)", start: 1969, id: nullableID,
		engine:   "MergeTree ORDER BY (id, at)" + nullKey + ", enable_block_number_column = 1, enable_block_offset_column = 1",
		outliers: []string{"'1900-01-01 00:00:00', 'A', 1, 'x'", "'2299-12-31 00:00:00', 'A', 1, 'x'"},
		changes:  []string{"UPDATE {table} SET v = v + 0.25 WHERE at < '{day}' SETTINGS enable_lightweight_update = 1"},
	},
	{
		name: "dates", at: "Date32", start: 1901, id: nullableID, days: true,
		engine:   "MergeTree PARTITION BY toYear(at) ORDER BY at",
		outliers: []string{"'1900-01-01', 'A', 1, 'x'", "'2299-12-31', 'A', 1, 'x'"},
		changes:  []string{"ALTER TABLE {table} DETACH PARTITION ID '{year}';\nALTER TABLE {table} ATTACH PARTITION ID '{year}'"},
	},
	{
		name: "zoned", at: "DateTime('America/New_York')", start: 2024, id: nullableID,
		engine: "MergeTree" + monthly + " ORDER BY at", changes: []string{detachMonth, dropMonth},
	},
	{
		name: "descending", at: "DateTime64(6)", start: 2024,
		engine: "ReplacingMergeTree ORDER BY (id, at DESC) SETTINGS allow_experimental_reverse_key = 1",
	},
	{
		name: "unmerged", at: "DateTime", start: 2024, frozen: true, node: ", final: false",
		engine: "ReplacingMergeTree ORDER BY (id, toStartOfDay(at))",
	},
	{
		name: "deleted", at: "DateTime64(0)", start: 2024, node: ", columns: {version: {hidden: true}, is_deleted: {hidden: true}}",
		more: ", version UInt32, is_deleted UInt8", values: ", {n}, if(number % 5 = 0, {n} % 2, 0)",
		engine:   "ReplacingMergeTree(version, is_deleted) PARTITION BY id ORDER BY (at, id)",
		outliers: []string{"'1970-01-01 00:00:00', 'A', 1, 'x', 1, 0", "'2106-12-31', 'A', 1, 'x', 1, 0"},
	},
	{
		name: "summed", at: "DateTime", start: 2024, keyed: true,
		engine: "SummingMergeTree(v)" + monthly + " ORDER BY (id, at, s)", changes: []string{detachMonth, dropMonth},
	},
	{
		name: "collapsed", at: "DateTime64(1)", start: 2024, node: ", columns: {sign: {hidden: true}}",
		more: ", sign Int8", values: ", if({n} % 3 = 0, -1, 1)",
		engine: "CollapsingMergeTree(sign) ORDER BY (id, at)",
	},
	{
		name: "versioned", at: "DateTime64(3)", start: 2024, node: ", columns: {sign: {hidden: true}, version: {hidden: true}}",
		more: ", sign Int8, version UInt8", values: ", if({n} % 3 = 0, -1, 1), {n} % 2",
		engine: "VersionedCollapsingMergeTree(sign, version)" + monthly + " ORDER BY (id, at)", changes: []string{dropMonth},
	},
	{
		name: "aggregated", at: "DateTime64(3)", start: 2024,
		more: ", most SimpleAggregateFunction(max, Float64), total SimpleAggregateFunction(sum, Int64)", values: ", v, x",
		engine: "AggregatingMergeTree" + monthly + " ORDER BY (id, at, v, s)", keyed: true, changes: []string{detachMonth},
	},
	{
		name: "expiring", at: "DateTime", start: 2024,
		engine: "MergeTree" + monthly + " ORDER BY (id, at)",
		// Rows that are merged go in the same change, and not later on.
		changes: []string{"ALTER TABLE {table} MODIFY TTL at + toIntervalDay(dateDiff('day', toDate('{day}'), today())) SETTINGS materialize_ttl_after_modify = 0;\n" +
			"ALTER TABLE {table} MATERIALIZE TTL SETTINGS mutations_sync = 2;\nALTER TABLE {table} REMOVE TTL"},
	},
	{
		name: "precise", at: "DateTime64(3)", start: 2024,
		engine:  "MergeTree ORDER BY id",
		changes: []string{"ALTER TABLE {table} MODIFY COLUMN at DateTime64(6)", "ALTER TABLE {table} MODIFY COLUMN at DateTime64(1)", "ALTER TABLE {table} MODIFY COLUMN at DateTime"},
	},
}

// rows inserts some, one each so many seconds.
func (k *pieceKind) rows(from time.Time, every, count, number int) string {
	at, id := fmt.Sprintf("toDateTime64('%s', 3, 'UTC') + toInt64(number) * %d", from.Format(time.DateTime), every), k.id
	if k.days {
		at = fmt.Sprintf("toDate32('%s') + toInt64(intDiv(number * %d, 8640))", from.Format(time.DateOnly), every)
	}
	if id == "" {
		id = "['A', 'B', 'C'][number % 3 + 1]"
	}
	return fmt.Sprintf("INSERT INTO %s SELECT %s AS at, %s AS id, x / 4 AS v, toString(number %% 11) AS s%s FROM (SELECT number, cityHash64(number, %d) %% 1000 AS x FROM numbers(%d))",
		k.name, at, id, strings.ReplaceAll(k.values, "{n}", strconv.Itoa(number)), number, count)
}

func (k *pieceKind) begins() time.Time {
	if k.start < 2000 {
		return time.Date(k.start, 11, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(k.start, 2, 1, 0, 0, 0, 0, time.UTC)
}

// change is a change of a table as any kind has it, or of this kind alone if there is such.
func (k *pieceKind) change(r *rand.Rand, number int, alone bool) string {
	start := k.begins()
	day := start.AddDate(0, 0, r.IntN(60))
	changes := []string{
		k.rows(start.AddDate(0, 0, 125+number), 60, 100, number),
		k.rows(start.AddDate(0, 0, r.IntN(120)), 60, 100, number), // late
		"DELETE FROM {table} WHERE at >= '{day}' AND at < '" + day.AddDate(0, 0, 1+r.IntN(60)).Format(time.DateOnly) + "' AND s = '3'",
		"OPTIMIZE TABLE {table} FINAL",
		"CREATE TABLE {table}_2 AS {table};\nINSERT INTO {table}_2 SELECT * FROM {table} WHERE s != '5';\nEXCHANGE TABLES {table} AND {table}_2;\nDROP TABLE {table}_2",
	}
	if !k.keyed {
		changes = append(changes, "ALTER TABLE {table} UPDATE s = concat(s, 'x') WHERE at < '{day}' SETTINGS mutations_sync = 2")
	}
	if alone && len(k.changes) > 0 {
		changes = k.changes
	}
	change := changes[r.IntN(len(changes))]
	if k.frozen {
		change = "SYSTEM START MERGES {table};\n" + change + ";\nSYSTEM STOP MERGES {table}"
	}
	month := day.AddDate(0, 1, 0)
	return strings.NewReplacer("{table}", k.name, "{day}", day.Format(time.DateOnly), "{month}", month.Format("200601"), "{year}", month.Format("2006"), "{n}", strconv.Itoa(number)).Replace(change)
}

// create makes the table, with enough rows that they are worth pieces.
func (k *pieceKind) create(t *testing.T, database string) {
	t.Helper()
	id := "LowCardinality(String)"
	if k.id != "" {
		id = "LowCardinality(Nullable(String))"
	}
	storetest.Exec(t, database, fmt.Sprintf("CREATE TABLE %s (at %s, id %s, v Float64, s String%s) ENGINE = %s", k.name, k.at, id, k.more, k.engine))
	storetest.Exec(t, database, k.rows(k.begins(), 60, 180_000, 1))
	if len(k.outliers) > 0 {
		storetest.Exec(t, database, "INSERT INTO "+k.name+" VALUES ("+strings.Join(k.outliers, "), (")+")")
	}
	if k.frozen {
		storetest.Exec(t, database, "SYSTEM STOP MERGES "+k.name)
	}
}

// query asks for buckets of the kind in any way that there may be pieces of, and some ways that
// there may not.
func (k *pieceKind) query(trial *piecesTrial) url.Values {
	q := trial.query([][]string{
		{"format", "json", "csv", "ndjson"},
		{"inclusive", "", "", "both", "neither", "right"},
		{"timezone", "", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns"},
		{"interval", "1h", "5h", "90m", "1d", "1w", "2w", "1mo", "1q", "1y", "3d", "7h", "45m"},
		{"agg", "", "mean", "v:mean,v:count,s:count", "ohlc", "v:last,s:first,v:sum", "v:median", "v:p95,s:count"},
		{"label", "", "right"},
		{"order", "", "", "desc"},
		{"origin", "", "", "2024-02-01", "1970-01-05T03:00:00Z", "2031-07-07T00:30:00Z"},
		{"limit", "", "100000", "100000", "77", "1"},
		{"v.gte", "", "", "", "", "", "", "50", "0.25", "1e9"},
		{"identifiers", "", "", "", "", "", "", "", "", "A", "A,B", "nobody"},
	})
	if k.days {
		trial.set(q, "interval", "1d", "1w", "2w", "1mo", "1q", "1y", "3d")
	}
	switch trial.random.IntN(16) { // without pieces
	case 0, 1:
		q.Set("agg", "v:last")
		trial.set(q, "fill", "previous", "null")
	case 2:
		q.Set("agg", "v:sum")
		q.Set("select", "v")
		q.Set("shape", "wide")
	}
	return q
}

// pieceRounds are as many as somebody waits for, or FRAMEHOUSE_ROUNDS.
func pieceRounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("FRAMEHOUSE_ROUNDS")
	if text == "" {
		return 40
	}
	rounds, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("FRAMEHOUSE_ROUNDS: %v", err)
	}
	return rounds
}

// What is put together is what ClickHouse gives as a whole for tables of all kinds, and after
// whatever may be done to them.
func TestPiecesOfAllKinds(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, otherTable)
	nodes := "nodes:\n"
	for _, k := range pieceKinds {
		k.create(t, database)
		nodes += "  " + k.name + ": {time: at, dimensions: [id]" + k.node + "}\n"
	}
	app := open(t, Config{piecesFrom: 1, ClickHouse: urlOf(t, database, newTap(t).address), CatalogFile: writeCatalog(t, otherCatalog+nodes)})
	if faults := notServed(t, app.URL()); faults != "" {
		t.Fatal(faults)
	}
	trial := &piecesTrial{app: app, database: database, random: rand.New(rand.NewPCG(1, 0))}
	for round := range pieceRounds(t) {
		k := &pieceKinds[round%len(pieceKinds)]
		q := k.query(trial)
		trial.compareRanges(t, k.name, q, k.begins())
		for _, alone := range []bool{false, true} {
			change := k.change(trial.random, round+2, alone)
			trial.change(t, change)
			if at, ok := strings.CutPrefix(change, "ALTER TABLE "+k.name+" MODIFY COLUMN at "); ok {
				// What is asked for before the catalog knows is not kept for longer.
				ask(t, http.MethodGet, app.URL()+"/v1/nodes/"+k.name+"/rows?"+q.Encode(), "")
				app.Reload()
				eventually(t, 10*time.Second, k.name+" has times of another precision", func() bool { return timeType(t, app, k.name) == at })
			}
			trial.compare(t, k.name, q)
		}
	}
	trial.enough(t, 1000)
}

// timeType is the type of a node's time in the catalog that is served.
func timeType(t *testing.T, app *App, name string) string {
	t.Helper()
	catalog, err := app.live.Current()
	if err != nil {
		t.Fatal(err)
	}
	node, err := catalog.Node(name)
	if err != nil {
		t.Fatal(err)
	}
	return node.Time.Type.String()
}
