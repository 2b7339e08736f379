package tables

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
	"framehouse/internal/tables/ingest"
)

// modelRow is what the table must hold for a key.
type modelRow struct {
	A string
	B int
	N *int
	F float64
}

func (r modelRow) String() string {
	n := `\N`
	if r.N != nil {
		n = strconv.Itoa(*r.N)
	}
	return fmt.Sprintf("%s\t%d\t%s\t%v", r.A, r.B, n, r.F)
}

// Random writes do to the table what they do to a map, whatever ClickHouse merges in between.
func TestModel(t *testing.T) {
	t.Parallel()
	w := newWriter(t, "CREATE TABLE t (a String, b Int32, n Nullable(Int32), f Float64, made DateTime64(9), version UInt64, is_deleted UInt8)"+
		" ENGINE = ReplacingMergeTree(version, is_deleted) PARTITION BY tuple() ORDER BY (b, a) SETTINGS non_replicated_deduplication_window = 1000",
		"tables: {t: {key: [a, b], write: upsert, created_at: made}}")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	words := []string{"", "x", "it's", "a\tb", "é\n\"\\", "😀"}
	row := func() modelRow {
		r := modelRow{A: words[random.IntN(len(words))], B: random.IntN(5), F: float64(random.IntN(100)) / 8}
		if random.IntN(3) > 0 {
			n := random.IntN(10)
			r.N = &n
		}
		return r
	}
	type key struct {
		a string
		b int
	}
	model := map[key]modelRow{}
	batch := func() ([]modelRow, string) {
		rows := map[key]modelRow{}
		for range 1 + random.IntN(6) {
			r := row()
			rows[key{r.A, r.B}] = r
		}
		list := slices.Collect(maps.Values(rows))
		var out []map[string]any
		for _, r := range list {
			out = append(out, map[string]any{"a": r.A, "b": r.B, "n": r.N, "f": r.F})
		}
		body, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return list, string(body)
	}
	for step := range 100 {
		what := ""
		switch random.IntN(10) {
		case 0, 1, 2, 3: // upsert, some of them twice under one key
			rows, body := batch()
			what = "upsert " + body
			for range 1 + random.IntN(2) {
				written, err := w.put("", fmt.Sprint("step ", step), body)
				w.must(written, err, Written{"t", "upsert", int64(len(rows))})
			}
			for _, r := range rows {
				model[key{r.A, r.B}] = r
			}
		case 4, 5: // insert
			rows, body := batch()
			what = "insert " + body
			exists := slices.ContainsFunc(rows, func(r modelRow) bool { _, ok := model[key{r.A, r.B}]; return ok })
			_, err := w.put("insert", "", body)
			if exists {
				w.refused(err, contracts.CodeConflict, "exists")
				break
			}
			w.must(nil, err, nil)
			for _, r := range rows {
				model[key{r.A, r.B}] = r
			}
		case 6: // delete by key
			r := row()
			what = fmt.Sprintf("delete %q %d", r.A, r.B)
			want := 0
			if _, ok := model[key{r.A, r.B}]; ok {
				want = 1
			}
			delete(model, key{r.A, r.B})
			n, err := w.removeWhere(map[string]string{"a": r.A, "b": strconv.Itoa(r.B)})
			w.must(n, err, want)
		case 7: // delete by other columns
			limit := random.IntN(10)
			what = fmt.Sprintf("delete n < %d or n is null and f >= 6", limit)
			want := 0
			for k, r := range model {
				if r.N != nil && *r.N < limit || r.N == nil && r.F >= 6 {
					delete(model, k)
					want++
				}
			}
			n, err := w.removeWhere(map[string]string{"where": fmt.Sprintf("or(n.lt=%d,and(n.isnull=true,f.gte=6))", limit)})
			w.must(n, err, want)
		case 8: // several at once, on keys that do not meet
			what = "concurrent"
			var waiting sync.WaitGroup
			for i := range 4 {
				r := row()
				r.A = fmt.Sprintf("worker %d", i)
				model[key{r.A, r.B}] = r
				body, _ := json.Marshal([]map[string]any{{"a": r.A, "b": r.B, "n": r.N, "f": r.F}})
				waiting.Go(func() {
					if _, err := w.put("", "", string(body)); err != nil {
						t.Error(err)
					}
				})
			}
			waiting.Wait()
		case 9:
			what = "optimize"
			storetest.Exec(t, w.database, "OPTIMIZE TABLE t FINAL")
		}
		var want []string
		for _, r := range model {
			want = append(want, strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "'", `\'`).Replace(r.A)+strings.TrimPrefix(r.String(), r.A))
		}
		got := strings.Split(w.rows("a, b, n, f"), "\n")
		if len(model) == 0 {
			want = []string{""}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("after step %d, %s:\n got %q\nwant %q", step, what, got, want)
		}
	}
}

func (w *writer) removeWhere(parameters map[string]string) (int64, error) {
	w.t.Helper()
	var query []string
	for name, value := range parameters {
		query = append(query, name+"="+url.QueryEscape(value))
	}
	return w.remove(strings.Join(query, "&"), "")
}

// One bad row among many is found, and then none is stored; without it all are.
func TestManyRows(t *testing.T) {
	t.Parallel()
	w := newWriter(t, manyTable, manyCatalog)
	const n = 100_000
	written, err := w.Write(t.Context(), WriteRequest{Table: "t", Body: ndjson(manyRows(n, 51_234))})
	w.refused(err, contracts.CodeInvalidRequest, "Row 51234, column amount: must be a decimal with at most 16 digits before the point and 2 after it")
	if issues := contracts.AsError(err).Issues; len(issues) != 1 || issues[0].Location != "body.row[51234].amount" || issues[0].Value != "12.345" {
		t.Errorf("%+v, %+v", written, issues)
	}
	w.must(w.rows("count()"), nil, "0")
	written, err = w.Write(t.Context(), WriteRequest{Table: "t", Body: ndjson(manyRows(n, 0))})
	w.must(written, err, Written{"t", "upsert", n})
	w.must(w.rows("count(), sum(id), sum(amount), uniqExact(note), countIf(rate IS NULL)"), nil, "100000\t5000050000\t1005000\t1000\t0")
	// Again, when all of them exist and their first writing is looked up.
	written, err = w.Write(t.Context(), WriteRequest{Table: "t", Body: ndjson(manyRows(n, 0))})
	w.must(written, err, Written{"t", "upsert", n})
	w.must(w.rows("count()"), nil, "100000")
	deleted, err := w.remove("id.gt=1", "")
	w.must(deleted, err, n-1)
	w.must(w.rows("id"), nil, "1")
}

const (
	manyTable = `CREATE TABLE t (id UInt64, day Date, at DateTime64(3), note String, amount Decimal(18, 2), rate Nullable(Float64), made DateTime64(3), version UInt64, is_deleted UInt8)
		ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY id SETTINGS non_replicated_deduplication_window = 100`
	manyCatalog = "tables: {t: {write: upsert, created_at: made}}"
)

// manyRows has one row whose amount has a digit too many, unless bad is 0.
func manyRows(n, bad int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		amount := strconv.FormatFloat(float64(i%20)+0.55, 'f', 2, 64)
		if i == bad {
			amount = "12.345"
		}
		fmt.Fprintf(&b, `{"id":%d,"day":"2026-01-%02d","at":"2026-01-01T00:00:%02d.125Z","note":"note %d","amount":%s,"rate":%d.25}`+"\n", i, i%28+1, i%60, i%1000, amount, i)
	}
	return b.String()
}

func ndjson(body string) ingest.Body {
	return ingest.Body{Reader: strings.NewReader(body), Type: "application/x-ndjson"}
}

// BenchmarkWrite stores 100,000 rows: read alone, into a table without what must be looked
// up, and with it.
func BenchmarkWrite(b *testing.B) {
	const n = 100_000
	body := manyRows(n, 0)
	perRow := func(b *testing.B) { b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row") }
	for _, test := range []struct{ name, catalog string }{{"upsert", "tables: {t: {write: upsert}}"}, {"upsert keeping created_at", manyCatalog}} {
		w := newWriter(b, manyTable, test.catalog)
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				rows := body
				if test.catalog != manyCatalog {
					rows = strings.ReplaceAll(body, "}\n", ",\"made\":\"2026-01-01\"}\n")
				}
				if _, err := w.Write(b.Context(), WriteRequest{Table: "t", Body: ndjson(rows)}); err != nil {
					b.Fatal(err)
				}
			}
			perRow(b)
		})
	}
	w := newWriter(b, manyTable, manyCatalog)
	table, err := w.Table("t")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("reading the body", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			rows, err := ingest.Read(table, ndjson(body), ingest.Limits{}, &ingest.Budget{})
			if err != nil {
				b.Fatal(err)
			}
			rows.Release()
		}
		perRow(b)
	})
}
