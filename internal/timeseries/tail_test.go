package timeseries

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
)

// polled asks like a widget that comes back again and again, and merges rows by their key.
type polled struct {
	t      *testing.T
	s      *Service
	q      Query
	merged map[string]string
	cursor string
}

func (p *polled) poll() (rows int) {
	p.t.Helper()
	p.q.Since = p.cursor
	frame, err := catalogtest.Run(p.t.Context())(p.s.Rows(p.q))
	if err != nil {
		p.t.Fatal(err)
	}
	document, err := written(frame)
	if err != nil {
		p.t.Fatal(err)
	}
	var meta struct{ TailCursor string }
	if err := json.Unmarshal(document.Meta["tabular"], &meta); err != nil {
		p.t.Fatal(err)
	}
	if p.cursor = meta.TailCursor; p.cursor == "" {
		p.t.Error("the answer has no tailCursor")
	}
	for _, row := range document.Rows {
		p.merged[string(row["time"])+string(row["id"])] = string(row["v"])
	}
	return len(document.Rows)
}

func (p *polled) all() map[string]string {
	whole := polled{t: p.t, s: p.s, q: p.q, merged: map[string]string{}}
	whole.poll()
	return whole.merged
}

func (p *polled) check(step string) {
	p.t.Helper()
	all := p.all()
	if len(all) != len(p.merged) {
		p.t.Errorf("%s: %d rows were seen, and there are %d", step, len(p.merged), len(all))
	}
	for key, value := range all {
		if p.merged[key] != value {
			p.t.Errorf("%s: %s is %s, and %s was seen", step, key, value, p.merged[key])
		}
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE plain (time DateTime64(3), id String, v UInt32) ENGINE = MergeTree ORDER BY (id, time);
		CREATE TABLE versioned (time DateTime64(3), id String, v UInt32, version UInt64) ENGINE = ReplacingMergeTree(version) ORDER BY (id, time);
		CREATE TABLE stamped (time DateTime64(3), id String, v UInt32, seen DateTime64(9)) ENGINE = MergeTree ORDER BY (id, time);
	`)
	s := service(t, database, `nodes:
  plain: {time: time, dimensions: [id]}
  versioned: {time: time, dimensions: [id], value: v, changed: version}
  stamped: {time: time, dimensions: [id], value: v, changed: seen}
`)
	for _, node := range []string{"plain", "versioned", "stamped"} {
		t.Run(node, func(t *testing.T) {
			marks := map[string][]string{"versioned": {", 1", ", 2", ", 3", ", 4"}, "stamped": {
				", '2024-03-31 10:00:00.000000001'", ", '2024-03-31 10:00:00.000000002'", ", '2024-03-31 10:00:00.000000002'", ", '2024-03-31 10:00:01'",
			}}[node]
			mark := func(i int) string {
				if marks == nil {
					return ""
				}
				return marks[i]
			}
			insert := func(rows ...string) {
				storetest.Exec(t, database, "INSERT INTO "+node+" VALUES "+strings.Join(rows, ","))
			}
			p := &polled{t: t, s: s, q: Query{Node: node, Select: []string{"v"}}, merged: map[string]string{}}
			if n := p.poll(); n != 0 {
				t.Errorf("%d rows of nothing", n)
			}
			insert("('2024-01-01 00:00:00', 'A', 1"+mark(0)+")", "('2024-01-01 00:00:01.001', 'A', 2"+mark(0)+")")
			if n := p.poll(); n != 2 {
				t.Errorf("after a first answer without rows: %d rows, not all 2", n)
			}
			p.check("two rows")
			// Another series at the very last time, and a later row.
			insert("('2024-01-01 00:00:01.001', 'B', 3"+mark(1)+")", "('2024-01-01 00:00:02', 'A', 4"+mark(1)+")")
			p.poll()
			p.check("two more")
			if n := p.poll(); n == 0 || n > 2 {
				t.Errorf("%d rows when nothing has come", n)
			}
			if node != "plain" {
				// Long ago, and a correction.
				insert("('2001-01-01 00:00:00', 'C', 5" + mark(2) + ")")
				p.poll()
				p.check("an old row")
			}
			if node == "versioned" {
				insert("('2024-01-01 00:00:00', 'A', 6" + mark(3) + ")")
				// And once more the row at the mark.
				if n := p.poll(); n != 2 {
					t.Errorf("a correction gives %d rows", n)
				}
				p.check("a correction")
			}
			// A tail can be cut as well; then the newest are there.
			frame, err := catalogtest.Run(t.Context())(s.Rows(Query{Node: node, Since: p.cursor, Limit: 1, Descending: true}))
			if err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = frame.Next()
			}
			if err != io.EOF || frame.Meta.Tabular.TailCursor == "" {
				t.Errorf("%v, cursor %q", err, frame.Meta.Tabular.TailCursor)
			}
		})
	}
	refused := func(q Query, location string) {
		t.Helper()
		_, err := catalogtest.Run(t.Context())(s.Rows(q))
		if err == nil || contracts.AsError(err).Code != contracts.CodeInvalidRequest || contracts.AsError(err).Issues[0].Location != location {
			t.Errorf("%+v: %v", q, err)
		}
	}
	p := &polled{t: t, s: s, q: Query{Node: "plain"}, merged: map[string]string{}}
	p.poll()
	refused(Query{Node: "stamped", Since: p.cursor}, "query.since")
	refused(Query{Node: "plain", Since: "x" + p.cursor[1:]}, "query.since")
	refused(Query{Node: "plain", Since: p.cursor + "A"}, "query.since")
	refused(Query{Node: "plain", Since: strings.Repeat("A", 10_000)}, "query.since")
	refused(Query{Node: "plain", Since: "2024-01-01"}, "query.since")
	refused(Query{Node: "plain", Since: p.cursor, Buckets: Buckets{Interval: "1h"}}, "query.since")
	refused(Query{Node: "plain", Since: p.cursor, Points: 10, Downsample: mean}, "query.since")
}

func FuzzTailCursor(f *testing.F) {
	binding := []byte("a node")
	f.Add(tailCursor("2024-01-01T00:00:00Z", binding))
	f.Add(tailCursor("", binding))
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		mark, ok := readTail(text, binding)
		if ok && tailCursor(mark, binding) != text {
			t.Errorf("%q and %q are read alike", text, tailCursor(mark, binding))
		}
		if _, foreign := readTail(text, []byte("another")); ok && foreign {
			t.Errorf("%q is a cursor of two nodes", text)
		}
	})
}
