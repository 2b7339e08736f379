package demo_test

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/demo"
	"framehouse/internal/store"
	"framehouse/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// database counts writes and fails the one whose number is failAt.
type database struct {
	*store.Store
	t      *testing.T
	name   string
	writes int
	failAt int // 0 is never
}

var _ demo.Database = (*store.Store)(nil)

var errInterrupted = errors.New("interrupted")

func open(t *testing.T) *database {
	t.Helper()
	e := storetest.Engine(t)
	name := storetest.Database(t)
	s, err := store.Open(store.Config{Server: store.Server{
		Hosts: []string{"127.0.0.1:8123"}, User: e.User(), Password: e.Password(), Database: name, Dial: e.DialContext, Local: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &database{Store: s, t: t, name: name}
}

func (d *database) write() error {
	d.writes++
	if d.writes == d.failAt {
		return errInterrupted
	}
	return nil
}

func (d *database) Exec(ctx context.Context, statement string) error {
	if err := d.write(); err != nil {
		return err
	}
	return d.Store.Exec(ctx, statement)
}

// Insert that is interrupted has sent a part of its data, as a connection does that breaks.
func (d *database) Insert(ctx context.Context, statement, format string, data io.Reader) error {
	if err := d.write(); err != nil {
		return errors.Join(err, d.Store.Insert(ctx, statement, format, io.LimitReader(data, 10_000)))
	}
	return d.Store.Insert(ctx, statement, format, data)
}

func (d *database) query(statement string) string {
	d.t.Helper()
	return storetest.Query(d.t, d.name, statement)
}

func data(t *testing.T) string {
	t.Helper()
	dir, err := demo.Find()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var rows = map[string]string{
	"airports": "3376", "customer_balances": "2", "customer_debts": "2", "customers": "2", "daily_random_number": "2922",
	"flights": "3000000", "seattle_weather": "1461", "sp500": "5105", "stocks": "560", "watchlist": "0",
}

// complete holds the tables against rows, and finds any that should not be there.
func (d *database) complete() {
	d.t.Helper()
	names := strings.Fields(d.query("SHOW TABLES"))
	if len(names) != len(rows) {
		d.t.Errorf("tables are %v", names)
	}
	for name, want := range rows {
		if got := d.query("SELECT count() FROM " + name); got != want {
			d.t.Errorf("%s has %s rows, want %s", name, got, want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir, db := data(t), open(t)
	var messages []string
	if err := demo.Load(t.Context(), db, dir, func(m string) { messages = append(messages, m) }); err != nil {
		t.Fatal(err)
	}
	db.complete()
	if len(messages) != len(rows) || !slices.Contains(messages, "loading flights (3,000,000 rows)") {
		t.Errorf("progress was %q", messages)
	}

	for _, test := range []struct{ about, query, want string }{
		{"balances by customer", "SELECT customer_code, region, as_of_date, balance_usd, debt_type, debt_usd FROM customers c JOIN customer_balances b ON b.customer_id = c.id JOIN customer_debts d ON d.balance_id = b.id ORDER BY c.id",
			"ACME\tUS\t2026-03-22\t150000\tmargin\t15000\nBETA\tEU\t2026-03-22\t91250\tfx_credit\t6500"},
		{"random numbers stay the same", "SELECT * FROM daily_random_number WHERE time_index IN ('2020-01-01', '2026-03-22', '2027-12-31') ORDER BY time_index",
			"2020-01-01 00:00:00\t0.669558\n2026-03-22 00:00:00\t-1.490809\n2027-12-31 00:00:00\t-0.026133"},
		{"random numbers are standard normal", "SELECT abs(avg(random_number)) < 0.05, abs(stddevPop(random_number) - 1) < 0.05, abs(countIf(abs(random_number) < 1) / count() - 0.683) < 0.02, max(abs(random_number)) < 5 FROM daily_random_number", "1\t1\t1\t1"},
		{"random numbers of March 2026", "SELECT count(), uniqExact(random_number) FROM daily_random_number WHERE time_index >= '2026-03-01' AND time_index < '2026-04-01'", "31\t31"},
		{"an airport", "SELECT * FROM airports WHERE iata = 'DBN'", "DBN\tW. H. \"Bud\" Barron\tDublin\tGA\tUSA\t32.56445806\t-82.98525556"},
		{"unknown is NULL", "SELECT countIf(city IS NULL), countIf(state IS NULL), countIf('NA' IN (city, state)) FROM airports", "12\t12\t0"},
		{"stocks by company", "SELECT symbol, count(), min(date), max(date), argMax(price, date), uniqExact(date) = count() FROM stocks GROUP BY symbol ORDER BY symbol",
			"AAPL\t123\t2000-01-01\t2010-03-01\t223.02\t1\nAMZN\t123\t2000-01-01\t2010-03-01\t128.82\t1\nGOOG\t68\t2004-08-01\t2010-03-01\t560.19\t1\nIBM\t123\t2000-01-01\t2010-03-01\t125.55\t1\nMSFT\t123\t2000-01-01\t2010-03-01\t28.8\t1"},
		{"weather", "SELECT * FROM seattle_weather WHERE date IN ('2012-01-01', '2015-12-31') ORDER BY date",
			"2012-01-01\t0\t12.8\t5\t4.7\tdrizzle\n2015-12-31\t0\t5.6\t-2.1\t3.5\tsun"},
		{"weather has every day", "SELECT dateDiff('day', min(date), max(date)) + 1, uniqExact(date) FROM seattle_weather", "1461\t1461"},
		{"flights are the source's", "SELECT sum(delay), sum(distance), min(delay), max(delay), min(departure), max(departure), uniqExact(origin) FROM flights",
			"20003603\t2194861208\t-1116\t1688\t2001-01-01 00:01:00\t2001-07-01 00:00:00\t229"},
		{"flights have a key", "SELECT uniqExact(departure, origin, destination, nth), countIf(nth > 1), max(nth) FROM flights", "3000000\t7892\t3"},
		{"flights join airports", "SELECT count() FROM flights WHERE origin NOT IN (SELECT iata FROM airports) OR destination NOT IN (SELECT iata FROM airports)", "0"},
		{"everything is described", "SELECT count() FROM system.columns c JOIN system.tables t ON t.database = c.database AND t.name = c.table WHERE c.database = currentDatabase() AND (c.comment = '' OR t.comment = '')", "0"},
	} {
		if got := db.query(test.query); got != test.want {
			t.Errorf("%s:\n got %q\nwant %q", test.about, got, test.want)
		}
	}

	db.writes = 0
	if err := demo.Load(t.Context(), db, "no such folder", func(m string) { t.Errorf("second load: %s", m) }); err != nil {
		t.Fatal(err)
	}
	if db.writes != 0 {
		t.Errorf("a second load wrote %d times", db.writes)
	}
}

// The months of the crash, read from the file without any of our code.
func TestSP500IsTheFile(t *testing.T) {
	dir, db := data(t), open(t)
	if err := demo.Load(t.Context(), &only{db, "sp500"}, dir, nil); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(dir, "sp500-2000.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, r := range records {
		if strings.HasPrefix(r[0], "2008-08") || strings.HasPrefix(r[0], "2008-09") {
			want = append(want, strings.Join(r, "\t"))
		}
	}
	got := strings.Split(db.query(`SELECT date, toDecimalString(open, 6), toDecimalString(high, 6), toDecimalString(low, 6), toDecimalString(close, 6), toDecimalString(adj_close, 6), volume
		FROM sp500 WHERE date >= '2008-08-01' AND date < '2008-10-01' ORDER BY date`), "\n")
	if len(want) != 42 || !slices.Equal(got, want) {
		t.Errorf("got %d days:\n%s\nwant %d:\n%s", len(got), strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
	}
}

// only pretends that all tables but one are there.
type only struct {
	*database
	table string
}

func (o *only) Tables(ctx context.Context) ([]string, error) {
	there, err := o.database.Tables(ctx)
	for name := range rows {
		if name != o.table {
			there = append(there, name)
		}
	}
	return there, err
}

// Every write of a load is interrupted once; each time the next load starts from what was left.
func TestInterruptedLoad(t *testing.T) {
	dir, db := data(t), open(t)
	stocks := &only{db, "stocks"}
	for db.failAt = 1; ; db.failAt++ {
		db.writes = 0
		err := demo.Load(t.Context(), stocks, dir, nil)
		if err == nil {
			break
		}
		if !errors.Is(err, errInterrupted) || !strings.Contains(err.Error(), "stocks") {
			t.Fatalf("write %d: %v", db.failAt, err)
		}
		if got := db.query("EXISTS TABLE stocks"); got != "0" {
			t.Fatalf("after a failure at write %d there is a table stocks", db.failAt)
		}
	}
	if db.failAt < 8 {
		t.Errorf("only %d writes were tried", db.failAt)
	}
	if got := db.query("SELECT count() FROM stocks"); got != rows["stocks"] {
		t.Errorf("stocks has %s rows", got)
	}
	db.failAt = 0
	if err := demo.Load(t.Context(), db, dir, nil); err != nil {
		t.Fatal(err)
	}
	db.complete()
}

func TestDamagedFile(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(data(t), "stocks.csv"))
	if err != nil {
		t.Fatal(err)
	}
	half := len(content)/2 + strings.IndexByte(string(content[len(content)/2:]), '\n') + 1
	for name, content := range map[string][]byte{"cut short": content[:half], "empty": nil} {
		t.Run(name, func(t *testing.T) {
			dir, db := t.TempDir(), open(t)
			if err := os.WriteFile(filepath.Join(dir, "stocks.csv"), content, 0o600); err != nil {
				t.Fatal(err)
			}
			err := demo.Load(t.Context(), &only{db, "stocks"}, dir, nil)
			if err == nil || !strings.Contains(err.Error(), "scripts/fetch-demo.sh") {
				t.Errorf("got %v", err)
			}
			if got := db.query("EXISTS TABLE stocks"); got != "0" {
				t.Error("a table of a damaged file exists")
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		err := demo.Load(t.Context(), &only{open(t), "stocks"}, t.TempDir(), nil)
		if err == nil || !strings.Contains(err.Error(), "scripts/fetch-demo.sh") {
			t.Errorf("got %v", err)
		}
	})
}
