package timeseries

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
	"framehouse/internal/tables/filter"
)

// The files testdata/*.txt say what a request means, each one rule. A file is made of
// parts with an empty line between, and lines that begin with # are remarks:
//
//	load ticks
//	time DateTime, id String, price Float64 ORDER BY (time, id)
//	('2024-01-01 00:00:00', 'A', 1.5)
//
//	catalog
//	nodes: {ticks: {time: time, dimensions: [id]}}
//
//	now 2024-03-31T15:04:05Z
//
//	rows ticks ?from=2024-01-01&interval=1h
//	time | id | price
//	2024-01-01T00:00:00Z | A | 1.5
//	meta {"truncated":false}
//
//	rows ticks ?fill=0
//	error query.fill: needs interval
//
// meta names some members that meta.tabular, meta.range or meta.timeSeries must have, and
// null is one that none of them has. Zeros at the end of a second are left out. An error has its place and a part of its message.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := &script{t: t, file: file, now: now, database: storetest.Database(t)}
			s.run(string(content))
		})
	}
}

// scriptRoutes are what a script can ask.
var scriptRoutes = map[string]func(*Service, context.Context, Query, url.Values) (*contracts.Frame, error){
	"rows": func(s *Service, ctx context.Context, q Query, _ url.Values) (*contracts.Frame, error) {
		return catalogtest.Run(ctx)(s.Rows(q))
	},
	"latest": func(s *Service, ctx context.Context, q Query, more url.Values) (*contracts.Frame, error) {
		q.Latest = Latest{At: more.Get("at"), MaxAge: more.Get("max_age"), Stale: more.Get("stale")}
		return catalogtest.Run(ctx)(s.Latest(q))
	},
	"asof": func(s *Service, ctx context.Context, q Query, more url.Values) (*contracts.Frame, error) {
		var with []string
		if text := more.Get("with"); text != "" {
			with = strings.Split(text, ",")
		}
		return catalogtest.Run(ctx)(s.AsOf(q, AsOf{With: with, Tolerance: more.Get("tolerance")}))
	},
	"coverage": func(s *Service, ctx context.Context, q Query, _ url.Values) (*contracts.Frame, error) {
		return catalogtest.Run(ctx)(s.Coverage(q))
	},
}

type script struct {
	t        *testing.T
	file     string
	line     int
	now      time.Time
	database string
	service  *Service
}

func (s *script) run(content string) {
	var part []string
	start := 1
	for i, line := range append(strings.Split(content, "\n"), "") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if strings.TrimSpace(line) != "" {
			if len(part) == 0 {
				start = i + 1
			}
			part = append(part, line)
			continue
		}
		if len(part) > 0 {
			s.line = start
			s.part(part)
			part = nil
		}
	}
}

func (s *script) part(lines []string) {
	word, rest, _ := strings.Cut(lines[0], " ")
	switch word {
	case "load":
		schema := strings.SplitN(lines[1], " ORDER BY ", 2)
		storetest.Exec(s.t, s.database, fmt.Sprintf("CREATE TABLE `%s` (%s) ENGINE = MergeTree ORDER BY %s", rest, schema[0], schema[1]))
		if len(lines) > 2 {
			storetest.Exec(s.t, s.database, fmt.Sprintf("INSERT INTO `%s` VALUES %s", rest, strings.Join(lines[2:], ",")))
		}
	case "catalog":
		s.service = service(s.t, s.database, strings.Join(lines[1:], "\n"))
		s.service.Now = func() time.Time { return s.now }
	case "now":
		var err error
		if s.now, err = time.Parse(time.RFC3339Nano, rest); err != nil {
			s.t.Fatalf("%s:%d: %v", s.file, s.line, err)
		}
	default:
		ask := scriptRoutes[word]
		if ask == nil {
			s.t.Fatalf("%s:%d: there is no %q", s.file, s.line, word)
		}
		want := lines[1:]
		var meta string
		if n := len(want); n > 0 && strings.HasPrefix(want[n-1], "meta ") {
			meta, want = want[n-1][5:], want[:n-1]
		}
		got, frame := s.ask(ask, rest)
		if len(want) == 1 && strings.HasPrefix(want[0], "error ") {
			place, text, _ := strings.Cut(want[0][6:], ": ")
			if !strings.HasPrefix(got, "error "+place+":") || !strings.Contains(got, text) {
				s.t.Errorf("%s:%d: %s\ngot  %s\nwant %s", s.file, s.line, lines[0], got, want[0])
			}
			return
		}
		if (len(want) > 0 || meta == "") && got != strings.Join(want, "\n") {
			s.t.Errorf("%s:%d: %s\ngot\n%s", s.file, s.line, lines[0], got)
		}
		if meta != "" {
			s.meta(meta, frame)
		}
	}
}

// ask returns the frame as lines, or the error as one.
func (s *script) ask(ask func(*Service, context.Context, Query, url.Values) (*contracts.Frame, error), request string) (string, frameDocument) {
	node, text, _ := strings.Cut(request, " ?")
	values, err := url.ParseQuery(text)
	var document frameDocument
	if err != nil {
		s.t.Fatalf("%s:%d: %v", s.file, s.line, err)
	}
	q, err := queryOf(s.service, node, values)
	var frame *contracts.Frame
	if err == nil {
		frame, err = ask(s.service, s.t.Context(), q, values)
	}
	if err == nil {
		document, err = written(frame)
	}
	if err != nil {
		e := contracts.AsError(err)
		if len(e.Issues) == 0 {
			return fmt.Sprintf("error : %v", e), document
		}
		return fmt.Sprintf("error %s: %s [%s]", e.Issues[0].Location, e.Detail, e.Issues[0].Hint), document
	}
	return document.String(), document
}

func (s *script) meta(want string, document frameDocument) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(want), &members); err != nil {
		s.t.Fatalf("%s:%d: %v", s.file, s.line, err)
	}
	for name, value := range members {
		var found json.RawMessage
		for _, part := range []string{"range", "tabular", "timeSeries"} {
			var fields map[string]json.RawMessage
			if found == nil && json.Unmarshal(document.Meta[part], &fields) == nil {
				found = fields[name]
			}
		}
		if found == nil {
			found = json.RawMessage("null")
		}
		if string(found) != string(value) {
			s.t.Errorf("%s:%d: %s is %s, not %s", s.file, s.line, name, found, value)
		}
	}
}

// queryOf reads a request as the routes do.
func queryOf(s *Service, node string, values url.Values) (Query, error) {
	q := Query{Node: node}
	take := func(name string) string {
		defer values.Del(name)
		return values.Get(name)
	}
	list := func(name string) []string {
		if text := take(name); text != "" {
			return strings.Split(text, ",")
		}
		return nil
	}
	number := func(name string) int64 {
		text := take(name)
		if text == "all" {
			return contracts.NoLimit
		}
		n, _ := strconv.ParseInt(text, 10, 64)
		return n
	}
	q.Range = Range{From: take("from"), To: take("to"), Last: take("last"), Inclusive: take("inclusive"), Timezone: take("timezone")}
	q.Identifiers, q.Select = list("identifiers"), list("select")
	q.Descending, q.Limit = take("order") == "desc", number("limit")
	q.Buckets = Buckets{
		Interval: take("interval"), Origin: take("origin"), Label: take("label"), Agg: list("agg"),
		Fill: take("fill"), MarkFilled: take("mark_filled") == "true",
	}
	q.Points, q.Downsample, q.Shape, q.Since = number("points"), take("downsample"), take("shape"), take("since")
	filters := url.Values{}
	n, err := s.node(node)
	if err != nil {
		return q, err
	}
	for name := range values {
		column, _, _ := strings.Cut(name, ".")
		if n.Column(column) != nil || name == "where" {
			filters[name] = values[name]
			values.Del(name)
		}
	}
	q.Where, err = filter.FromQuery(&n.Table, filters, nil)
	return q, err
}

// wholeSecond is how a time ends whose column has smaller parts that are zero; scripts leave
// them out.
var wholeSecond = regexp.MustCompile(`\.0+Z$`)

// frameDocument is a frame as a client reads it.
type frameDocument struct {
	Columns []string
	Rows    []map[string]json.RawMessage
	Meta    map[string]json.RawMessage
}

func written(frame *contracts.Frame) (frameDocument, error) {
	defer frame.Close()
	var document frameDocument
	var text bytes.Buffer
	json1 := contracts.Formats()[slices.IndexFunc(contracts.Formats(), func(f contracts.Format) bool { return f.Name == "json" })]
	if err := json1.Encoder.Encode(&text, frame); err != nil {
		return document, err
	}
	return document, json.Unmarshal(text.Bytes(), &document)
}

// String is a line of column names and one for each row.
func (d frameDocument) String() string {
	lines := []string{strings.Join(d.Columns, " | ")}
	for _, row := range d.Rows {
		cells := make([]string, len(d.Columns))
		for i, column := range d.Columns {
			cells[i] = string(row[column])
			var text string
			if json.Unmarshal(row[column], &text) == nil && cells[i] != "null" {
				cells[i] = wholeSecond.ReplaceAllString(text, "Z")
			}
		}
		lines = append(lines, strings.Join(cells, " | "))
	}
	return strings.Join(lines, "\n")
}
