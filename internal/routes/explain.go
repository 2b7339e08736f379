package routes

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// ExplainInput asks what a request would read in the place of its answer.
type ExplainInput struct {
	Explain string `query:"explain" enum:"1" doc:"Answers, as an Explanation, what ClickHouse would read for this request, and reads nothing. The other parameters are checked as always"`
}

func (in *ExplainInput) explains() bool { return in.Explain != "" }

// Explanation is what a request would read. The statements themselves are the operator's
// business.
type Explanation struct {
	Statements []ExplainedStatement `json:"statements" doc:"What ClickHouse is asked: the first statement, since later ones depend on its answer; notes tell of these"`
	Range      *contracts.Range     `json:"range,omitempty" doc:"The range of time that the request means, as far as it is known before rows are read"`
	Limits     ExplainedLimits      `json:"limits" doc:"At which ClickHouse stops a query, which is then answered with 422 query_too_expensive"`
	Version    string               `json:"version,omitempty" doc:"Tells the data that would be read from that of another time; absent where nobody tells when it changes"`
	Cache      string               `json:"cache" enum:"hit,miss,bypass,off,unknown" doc:"hit: the answer in JSON is kept. miss: it is not, and would be. bypass: it is one that is never kept. unknown: nobody tells when the data changes. off: answers of this table are not kept, or none"`
	Notes      []string             `json:"notes,omitempty" doc:"What else should be known"`
	RequestID  string               `json:"requestId" doc:"Identifies this answer in the log"`
}

// ExplainedStatement is what one statement would read, to the granule. One that has found the
// rows of its limit stops earlier.
type ExplainedStatement struct {
	Rows  *int64          `json:"rows,omitempty" doc:"Rows that would be read; absent when ClickHouse has no estimate"`
	Bytes *int64          `json:"bytes,omitempty" doc:"Uncompressed bytes that would be read, by the average row; absent when ClickHouse does not know, as of small tables"`
	Reads []ExplainedRead `json:"reads" doc:"What would be read of each table that ClickHouse has an estimate for"`
}

// ExplainedRead is what would be read of one table.
type ExplainedRead struct {
	Table string `json:"table,omitempty" doc:"The published table or node; absent of one that stands behind a view"`
	Rows  int64  `json:"rows" doc:"Rows that would be read"`
	Bytes int64  `json:"bytes,omitempty" doc:"Uncompressed bytes that would be read, by the average row"`
	Marks int64  `json:"marks" doc:"Marks in the ranges that would be read"`
	ExplainedScope
	Indexes []ExplainedIndex `json:"indexes" doc:"What each index leaves of what came before it"`
}

// ExplainedScope is a share of a table.
type ExplainedScope struct {
	Parts      int64 `json:"parts" doc:"Parts of the table that are left"`
	OfParts    int64 `json:"ofParts" doc:"Parts before"`
	Granules   int64 `json:"granules" doc:"Granules that are left; one is some 8,192 rows"`
	OfGranules int64 `json:"ofGranules" doc:"Granules before"`
}

// ExplainedIndex is what an index does.
type ExplainedIndex struct {
	Type      string   `json:"type" doc:"MinMax and Partition go by the partition key, PrimaryKey by the sorting key, Skip by an index of its own" example:"PrimaryKey"`
	Keys      []string `json:"keys,omitempty" doc:"Columns and expressions of the key that the request has conditions on"`
	Condition string   `json:"condition,omitempty" doc:"The condition as ClickHouse uses it; absent when the index leaves all" example:"(time in [1767225600, +Inf))"`
	ExplainedScope
}

// ExplainedLimits are those of each query. One that is absent is none of framehouse's.
type ExplainedLimits struct {
	Seconds     float64 `json:"seconds" doc:"Time that ClickHouse may work"`
	MemoryBytes int64   `json:"memoryBytes,omitempty" doc:"Memory that it may take"`
	Rows        int64   `json:"rows,omitempty" doc:"Rows that it may read"`
	Bytes       int64   `json:"bytes,omitempty" doc:"Uncompressed bytes that it may read"`
}

// explainer is an input that embeds ExplainInput.
type explainer interface{ explains() bool }

type explainKey struct{}

// explaining tells whether a request is to be explained.
func explaining(ctx context.Context) bool { return ctx.Value(explainKey{}) != nil }

// asExplainer marks the context of a request that is to be explained, and refuses what goes
// with rows alone.
func asExplainer(ctx context.Context, in any, format *FormatInput) (context.Context, error) {
	if e, ok := in.(explainer); !ok || !e.explains() && !explaining(ctx) {
		return ctx, nil
	}
	answer, _ := ctx.Value(formatKey{}).(contracts.Format)
	for _, contradiction := range []struct {
		found       bool
		name, value string
	}{
		{answer.Name != "json", "format", answer.Name}, {format.Download != "", "download", format.Download}, {format.Compression != "", "compression", format.Compression},
	} {
		if contradiction.found {
			return ctx, contracts.Invalid("query."+contradiction.name, contradiction.value, "Leave out explain or "+contradiction.name+", and an Accept header that asks for something other than JSON.",
				"explain and %s=%s contradict each other: an explanation is JSON.", contradiction.name, contradiction.value)
		}
	}
	return context.WithValue(ctx, explainKey{}, true), nil
}

// explain answers what a reading would read.
func (a *API) explain(ctx context.Context, reading *catalog.Reading) (*huma.StreamResponse, error) {
	var plan store.Plan
	frame, err := reading.Run(store.Explaining(ctx, &plan))
	if err == nil {
		frame.Close()
		err = errors.New("a reading has a frame and asked ClickHouse nothing")
	}
	if !errors.Is(err, store.ErrExplained) {
		return nil, a.problem(ctx, err)
	}
	explanation, err := a.explanation(ctx, reading, &plan)
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	text, err := json.Marshal(explanation)
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", explanationType)
		hc.SetHeader("Cache-Control", "no-store")
		hc.SetStatus(http.StatusOK)
		_, _ = hc.BodyWriter().Write(append(text, '\n')) // a client that left needs no answer
	}}, nil
}

func (a *API) explanation(ctx context.Context, reading *catalog.Reading, plan *store.Plan) (*Explanation, error) {
	limits := func(limit int64) int64 { return max(0, limit) }
	e := &Explanation{
		Range: reading.Range, RequestID: requestID(ctx),
		Limits: ExplainedLimits{plan.Limits.Time.Seconds(), limits(plan.Limits.Memory), limits(plan.Limits.Rows), limits(plan.Limits.Bytes)},
	}
	statement := ExplainedStatement{Reads: []ExplainedRead{}}
	var rows, bytes int64
	weighed := true
	for _, r := range plan.Reads {
		rows, bytes, weighed = rows+r.Rows, bytes+r.Bytes, weighed && (r.Bytes > 0 || r.Rows == 0)
		statement.Reads = append(statement.Reads, a.explainedRead(r, reading))
	}
	if !plan.Partial {
		statement.Rows = &rows
		if weighed {
			statement.Bytes = &bytes
		}
	}
	e.Statements = []ExplainedStatement{statement}
	var err error
	if e.Version, e.Cache, err = a.kept(ctx, reading); err != nil {
		return nil, err
	}
	for _, note := range []struct {
		true bool
		text string
	}{
		{plan.Partial, "ClickHouse has no estimate for part of what is read: a view, another server's table, or an engine without an index."},
		{plan.Unresolved, "A condition depends on other rows, which were not looked up: it may leave less than is said here."},
		{reading.Later != "", reading.Later},
		{reading.FromPieces != nil && e.Version != "", "In JSON, NDJSON and CSV the range may be put together from pieces that are kept; then only those that have changed are read."},
	} {
		if note.true {
			e.Notes = append(e.Notes, note.text)
		}
	}
	return e, nil
}

// What an explanation says of the cache, besides what X-Cache says.
const (
	cacheOff     = "off"
	cacheUnknown = "unknown"
)

// kept is the version of the data that a reading would read, and what a cache has to do with
// its answer.
func (a *API) kept(ctx context.Context, reading *catalog.Reading) (version, state string, err error) {
	fresh, err := a.freshness(ctx, asked{key: reading.Key.With("json", "", ""), tables: reading.Tables, period: reading.Period, caching: reading.Caching})
	if err != nil {
		return "", "", err
	}
	switch {
	case a.Cache == nil || reading.Caching.Off:
		state = cacheOff
	case !fresh.known:
		state = cacheUnknown
	case reading.Export:
		state = cacheBypass
	default:
		state = cacheMiss
		for _, coding := range []string{"", codings[0].name, codings[1].name} {
			if answer, _ := a.Cache.Get(fresh.key, coding); answer != nil {
				state = cacheHit
			}
		}
	}
	if fresh.known {
		digest := catalog.Key{}.With(fresh.version)
		version = base64.RawURLEncoding.EncodeToString(digest[:9])
	}
	return version, state, nil
}

// explainedRead is a read as the client may see it. Of a table that is not published, such as
// one behind a view, neither name nor conditions are said.
func (a *API) explainedRead(r store.Read, reading *catalog.Reading) ExplainedRead {
	e := ExplainedRead{Rows: r.Rows, Bytes: r.Bytes, Marks: r.Marks, ExplainedScope: ExplainedScope(r.Scope), Indexes: []ExplainedIndex{}}
	var table *catalog.Table
	switch {
	case reading.Of != nil && reading.Of.Source == r.Table:
		table = reading.Of
	case slices.Contains(reading.Tables, r.Table):
		table = a.published(r.Table)
	}
	if table != nil {
		e.Table = table.Name
	}
	for _, index := range r.Indexes {
		x := ExplainedIndex{Type: index.Type, ExplainedScope: ExplainedScope(index.Scope)}
		if table != nil && !slices.ContainsFunc(index.Keys, func(key string) bool { return !speaksOf(key, table) }) && len(index.Keys) > 0 {
			x.Keys, x.Condition = index.Keys, index.Condition
		}
		e.Indexes = append(e.Indexes, x)
	}
	return e
}

// published is a table or node that publishes a table of ClickHouse.
func (a *API) published(source sql.Table) *catalog.Table {
	c, err := a.Catalog.Current()
	if err != nil {
		return nil
	}
	for _, t := range c.Tables {
		if t.Source == source {
			return t
		}
	}
	for _, n := range c.Nodes {
		if n.Source == source {
			return &n.Table
		}
	}
	return nil
}

// speaksOf tells whether a part of a key is made of columns that the table publishes.
func speaksOf(key string, table *catalog.Table) bool {
	words := strings.FieldsFunc(key, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, word := range words {
		function := len(words) > 1 && strings.Contains(key, word+"(")
		if table.Column(word) == nil && !function && !(i > 0 && isNumber(word)) {
			return false
		}
	}
	return true
}

func isNumber(word string) bool {
	return !strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsDigit(r) })
}

// explanationType is the media type of an explanation, which is another than a frame's so that
// the document can say what each is.
const explanationType = "application/vnd.framehouse.explanation+json"
