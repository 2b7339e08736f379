package routes

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

// stalled is how long a client may take nothing of an answer before it is given up. A
// query in ClickHouse lives as long as its reader.
const stalled = 60 * time.Second

// FormatInput is how a frame is to be written. The format itself is read by negotiate and
// declared here for the OpenAPI document.
type FormatInput struct {
	Format      string `query:"format" enum:"json,ndjson,csv,arrow,parquet" doc:"Format of the answer. Without it the Accept header decides." example:"json"`
	Compression string `query:"compression" enum:"zstd,lz4" doc:"Compresses the buffers inside an Arrow stream"`
	Download    string `query:"download" enum:"1" doc:"Answers as a file with a name"`
}

// frameInput is an input that embeds FormatInput.
type frameInput[I any] interface {
	*I
	format() *FormatInput
}

func (in *FormatInput) format() *FormatInput { return in }

// NumbersInput is how rows are to be written, their numbers among them.
type NumbersInput struct {
	FormatInput
	ExplainInput
	Int64    string `query:"int64" enum:"auto,string,number" doc:"How JSON writes integers of 64 bits: as text, as numbers, or (auto, the default) as numbers where the catalog says that they are safe. With json and ndjson only"`
	Decimals string `query:"decimals" enum:"number,string" doc:"How JSON writes decimals of up to 38 digits: as numbers (the default) or as text; longer ones are always text. With json and ndjson only"`
}

// RowsInput is how the rows of a table or node are to be written, and how many.
type RowsInput struct {
	NumbersInput
	Limit string `query:"limit" pattern:"^([1-9][0-9]{0,17}|all)$" patternDescription:"a whole number above zero, or all" doc:"The most rows to return, up to the maxRows of the table or node; or all, in the formats ndjson, csv, arrow and parquet, where the catalog allows export" example:"100"`
}

// limit is the number of rows asked for: zero for the default, NoLimit for all.
func (in *RowsInput) limit(ctx context.Context) (int64, error) {
	return in.limitOf(ctx, "query.limit", in.Limit)
}

// limitOf is the number of rows of a limit as text, which stands at location.
func (in *NumbersInput) limitOf(ctx context.Context, location, limit string) (int64, error) {
	format, _ := ctx.Value(formatKey{}).(contracts.Format)
	for name, value := range map[string]string{"int64": in.Int64, "decimals": in.Decimals} {
		if value != "" && format.Name != "json" && format.Name != "ndjson" {
			return 0, contracts.Invalid("query."+name, value, "Leave it out.", "%s goes with the formats json and ndjson; %s writes all numbers exactly.", name, format.Name)
		}
	}
	switch limit {
	case "":
		return 0, nil
	case "all":
		if !format.Streams && !explaining(ctx) {
			return 0, contracts.Invalid(location, limit, "Ask for format=ndjson, csv, arrow or parquet.", "limit=all does not go with format=%s.", format.Name)
		}
		return contracts.NoLimit, nil
	}
	return strconv.ParseInt(limit, 10, 64)
}

// represent settles how the frame's numbers are written.
func (in *NumbersInput) represent(reading *catalog.Reading, err error) (*catalog.Reading, error) {
	if err != nil {
		return nil, err
	}
	represent := func(frame *contracts.Frame) { frame.Represent(in.Int64, in.Decimals) }
	return reading.Then(represent, cmp.Or(in.Int64, "auto"), cmp.Or(in.Decimals, "number")), nil
}

// linkedRows is how many rows an answer may have whose end is looked for before it begins,
// so that its headers can say where the next page is. A longer one does not wait for its end
// and says so behind its rows: in meta, or in a trailer.
const linkedRows = 10_000

// writeFrame streams a frame. Until the first bytes leave, a failure still gets its own
// status; after that the connection is broken off.
func (a *API) writeFrame(ctx huma.Context, frame *contracts.Frame, in *FormatInput) {
	defer frame.Close()
	format, _ := ctx.Context().Value(formatKey{}).(contracts.Format)
	encoder := format.Encoder
	if in.Compression != "" {
		encoder = contracts.Arrow{Compression: in.Compression}
	}
	if limit := frame.Meta.Tabular.Limit; !format.Counted || limit > 0 && limit <= linkedRows {
		// The format has no room for it, so the headers say whether this is all: before
		// the rows if it can be known, else after them. Of a short answer all formats say it.
		settled, err := frame.Settle()
		if r, _ := humachi.Unwrap(ctx); err == nil && !settled && !format.Counted && !r.ProtoAtLeast(1, 1) {
			// There are no trailers, and nothing tells a broken answer from a whole one.
			err = contracts.Invalid("protocol", r.Proto, "Use HTTP/1.1 (in nginx: proxy_http_version 1.1), format=json or parquet, or a smaller limit.",
				"Over %s an answer this long could not be told from a broken one.", r.Proto)
		}
		if err != nil {
			a.writeProblem(ctx, err)
			return
		}
	}
	begin := func() {
		ctx.SetHeader("Content-Type", format.MediaType)
		ctx.AppendHeader("Vary", frameVary)
		if fresh, ok := ctx.Context().Value(freshnessKey{}).(freshness); ok {
			_, w := humachi.Unwrap(ctx)
			fresh.set(w.Header())
		}
		if in.Download != "" {
			ctx.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": frame.Source.ID + "." + format.Extension}))
		}
		setTotal(ctx, frame)
		if frame.Settled() {
			setCounts(ctx, frame)
			setLink(ctx, frame)
		} else if !format.Counted {
			ctx.SetHeader("Trailer", rowCountHeader+", "+truncatedHeader+", "+nextCursorHeader)
		}
	}
	if ctx.Method() == http.MethodHead {
		begin()
		ctx.SetStatus(http.StatusOK)
		return
	}
	_, w := humachi.Unwrap(ctx)
	body := &body{ctx: ctx, begin: begin, out: patient{ctx.BodyWriter(), http.NewResponseController(w)}}
	if format.Text {
		body.coding = codingFor(headerList(ctx, "Accept-Encoding"))
	}
	err := encoder.Encode(body, frame)
	if err == nil {
		err = body.finish()
	}
	switch {
	case err == nil && !format.Counted:
		setCounts(ctx, frame) // as a trailer, where they were not headers
	case err == nil:
	case !body.started:
		a.writeProblem(ctx, err)
	default:
		level := slog.LevelError
		if errors.Is(ctx.Context().Err(), context.Canceled) && !errors.Is(err, os.ErrDeadlineExceeded) {
			level = slog.LevelDebug
		}
		a.Logger.Log(ctx.Context(), level, "answer broken off", "cause", err, "request", requestID(ctx.Context()))
		panic(http.ErrAbortHandler)
	}
}

// The headers that say what a format can't.
const (
	rowCountHeader   = "X-Row-Count"
	truncatedHeader  = "X-Truncated"
	nextCursorHeader = "X-Next-Cursor"
	totalHeader      = "X-Total-Rows"
	totalKindHeader  = "X-Total-Rows-Kind"
)

func setCounts(ctx huma.Context, frame *contracts.Frame) {
	t := frame.Meta.Tabular
	ctx.SetHeader(rowCountHeader, strconv.FormatInt(t.RowCount, 10))
	ctx.SetHeader(truncatedHeader, strconv.FormatBool(t.Truncated))
	if t.NextCursor != "" {
		ctx.SetHeader(nextCursorHeader, t.NextCursor)
	}
}

func setTotal(ctx huma.Context, frame *contracts.Frame) {
	if t := frame.Meta.Tabular; t.TotalRows != nil {
		ctx.SetHeader(totalHeader, strconv.FormatInt(*t.TotalRows, 10))
		ctx.SetHeader(totalKindHeader, t.TotalRowsKind)
	}
}

// setLink links to the next page.
func setLink(ctx huma.Context, frame *contracts.Frame) {
	if cursor := frame.Meta.Tabular.NextCursor; cursor != "" && hasPages(ctx.Operation()) {
		u := ctx.URL()
		ctx.AppendHeader("Link", nextLink(&u, cursor))
	}
}

// body sends the status with the first bytes, and compresses if that was agreed.
type body struct {
	ctx        huma.Context
	begin      func() // sets the headers
	out        patient
	coding     *coding
	compressor compressor
	started    bool
}

func (b *body) Write(p []byte) (int, error) {
	if !b.started {
		b.started = true
		b.begin()
		// Encoders write at least this much at once while there is more to come.
		if b.coding != nil && len(p) >= worthCompressing {
			b.ctx.SetHeader("Content-Encoding", b.coding.name)
			b.compressor = b.coding.open(b.out)
		}
		b.ctx.SetStatus(http.StatusOK)
	}
	if b.compressor == nil {
		return b.out.Write(p)
	}
	if n, err := b.compressor.Write(p); err != nil {
		return n, err
	}
	// What is encoded goes out: a client sees rows as they come.
	return len(p), b.compressor.Flush()
}

// finish ends a compressed body. One that is not finished can't be unpacked to its end.
func (b *body) finish() error {
	if b.compressor == nil {
		return nil
	}
	defer b.coding.close(b.compressor)
	return b.compressor.Close()
}

// pieceSize is what a client must take within the time limit.
const pieceSize = 128 << 10

var documentType = reflect.TypeFor[contracts.Document]()

// frameHeaders documents the headers of a frame.
func frameHeaders() map[string]*huma.Header {
	text, number := &huma.Schema{Type: huma.TypeString}, &huma.Schema{Type: huma.TypeInteger, Format: "int64"}
	headers := map[string]*huma.Header{
		"X-Request-Id":   {Schema: text, Description: "Identifies this answer in the log: the request's own, if it sent one"},
		rowCountHeader:   {Schema: number, Description: "Rows in this answer. Of a long answer in a format without meta, a trailer behind the rows"},
		truncatedHeader:  {Schema: &huma.Schema{Type: huma.TypeBoolean}, Description: "Whether there are more rows; where X-Row-Count is a trailer, so is this"},
		nextCursorHeader: {Schema: text, Description: "Where the next page begins, for the parameter cursor; where X-Row-Count is a trailer, so is this"},
		"Link":           {Schema: text, Description: "The next page as a link with rel=next, relative to this request: the same query with another cursor. For answers of up to 10,000 rows, and longer ones whose end is found in time", Example: `<?cursor=AQBo…>; rel="next"`},
		totalHeader:      {Schema: number, Description: "Rows that the filter matches, on all pages; there when count asked for it"},
		totalKindHeader:  {Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{contracts.TotalExact, contracts.TotalEstimate}}, Description: "Whether X-Total-Rows was counted or is an estimate"},
	}
	return headers
}

// frameResponse documents a frame in each of its formats.
func (a *API) frameResponse() *huma.Response {
	response := &huma.Response{Description: "A tabular frame", Headers: frameHeaders(), Content: map[string]*huma.MediaType{}}
	for _, f := range contracts.Formats() {
		schema := &huma.Schema{Type: huma.TypeString, Format: "binary"}
		switch {
		case f.Name == "json":
			schema = huma.SchemaFromType(a.huma.OpenAPI().Components.Schemas, documentType)
		case f.Text:
			schema = &huma.Schema{Type: huma.TypeString}
		}
		response.Content[f.MediaType] = &huma.MediaType{Schema: schema}
	}
	return response
}
