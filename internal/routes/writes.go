package routes

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/tables"
	"framehouse/internal/tables/ingest"
)

// RepeatInput is how a write is repeated safely.
type RepeatInput struct {
	IdempotencyKey string `header:"Idempotency-Key" doc:"Makes a repetition safe: a request with the same key and body is done once and answered alike. 1 to 255 printable ASCII characters; a random UUID will do" example:"0f8fad5b-d9cb-469f-a165-70867728950e"`
}

// WriteRowsInput asks for rows to be stored: those of the body, all or none.
type WriteRowsInput struct {
	TablePath
	RepeatInput
	Mode string `query:"mode" enum:"upsert,insert" doc:"upsert replaces rows with the same key, insert refuses them with 409; without it, what the table is made for"`
	body ingest.Body
}

// Resolve implements huma.Resolver.
func (in *WriteRowsInput) Resolve(ctx huma.Context) []error {
	r, w := humachi.Unwrap(ctx)
	in.body = ingest.Body{
		Reader: patientBody{r.Body, http.NewResponseController(w)}, Type: headerList(ctx, "Content-Type"), Encoding: headerList(ctx, "Content-Encoding"),
	}
	return in.RepeatInput.Resolve(ctx)
}

// Resolve implements huma.Resolver.
func (in *RepeatInput) Resolve(ctx huma.Context) []error {
	r, _ := humachi.Unwrap(ctx)
	if keys, given := r.Header["Idempotency-Key"]; given && (len(keys) != 1 || keys[0] == "") {
		return []error{&huma.ErrorDetail{Location: "header.Idempotency-Key", Message: "must be given once and not be empty", Value: strings.Join(keys, ", ")}}
	}
	return nil
}

// patientBody waits as long for a client as it sends anything.
type patientBody struct {
	io.Reader
	deadline *http.ResponseController
}

func (b patientBody) Read(p []byte) (int, error) {
	_ = b.deadline.SetReadDeadline(time.Now().Add(stalled)) // some tests' connections know none
	n, err := b.Reader.Read(p)
	if err != nil {
		// A client that waits for its answer is not one that stalls: at a deadline the server
		// would take it for gone.
		_ = b.deadline.SetReadDeadline(time.Time{})
	}
	return n, err
}

// NoBody refuses a body, which would be ignored.
type NoBody struct{ sent bool }

// Resolve implements huma.Resolver.
func (b *NoBody) Resolve(ctx huma.Context) []error {
	r, _ := humachi.Unwrap(ctx)
	b.sent = r.ContentLength != 0
	return nil
}

func (b *NoBody) refuse() error {
	if b.sent {
		return contracts.Invalid("body", nil, "Say in the URL what is deleted, as in ?id=5 or ?where=or(id=5,id=6).", "A deletion has no body.")
	}
	return nil
}

// DeleteRowsInput asks for rows to be deleted: those that the filters name.
type DeleteRowsInput struct {
	TablePath
	RepeatInput
	NoBody
	Filters
}

// WrittenOutput says what was stored.
type WrittenOutput struct {
	Body tables.Written
}

// DeletedOutput says what was deleted.
type DeletedOutput struct {
	Body tables.Deleted
}

// anonymous is who writes as long as nobody says who they are.
const anonymous = "anonymous"

func (a *API) writeRows(ctx context.Context, in *WriteRowsInput) (*WrittenOutput, error) {
	written, err := a.Tables.Write(ctx, tables.WriteRequest{
		Table: in.Table, Mode: in.Mode, Body: in.body, IdempotencyKey: in.IdempotencyKey, By: anonymous,
	})
	return &WrittenOutput{written}, err
}

func (a *API) deleteRows(ctx context.Context, in *DeleteRowsInput) (*DeletedOutput, error) {
	if err := in.refuse(); err != nil {
		return nil, err
	}
	where, err := in.on(a.Tables.Table(in.Table))
	if err != nil {
		return nil, err
	}
	deleted, err := a.Tables.Delete(ctx, tables.DeleteRequest{
		Table: in.Table, Where: where, IdempotencyKey: in.IdempotencyKey, By: anonymous,
	})
	return &DeletedOutput{deleted}, err
}

// registerWrite adds an operation that changes something.
func registerWrite[I, O any](a *API, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	op.Errors = slices.Concat([]int{http.StatusNotFound, http.StatusMethodNotAllowed}, op.Errors, failures)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(store.WithPurpose(ctx, op.OperationID), in)
		if err == nil {
			return out, nil
		}
		p := a.problem(ctx, err)
		if p.Code == contracts.CodeMethodNotAllowed {
			p.headers.Set("Allow", "GET, HEAD")
		}
		return nil, p
	})
}

func (a *API) registerWrites() {
	tags := []string{"Tables"}
	registerWrite(a, huma.Operation{
		OperationID: "writeTableRows", Method: http.MethodPost, Path: "/v1/tables/{table}/rows", Tags: tags,
		Summary: "Insert or upsert rows",
		Description: "Stores the rows of the body, all or none, in a table that the catalog makes writable; a read after the answer sees them. " +
			"The description of the table says which columns a row may or must give, and which the server fills. " +
			"Values are written as frames show them; numbers keep their digits. Of an upsert, a row takes the place of the one with the same key as a whole: a column that is left out gets its default. " +
			"A body has at most 1,000,000 rows and 256 MB, unpacked; gzip and zstd are understood as Content-Encoding. The rows of a request lie in one partition of the table. " +
			"What is wrong with the first ten bad rows is answered with their numbers, and nothing is stored then. " +
			"When the answer is lost, or says that the outcome is unknown (503), the same request with the same Idempotency-Key is safe.",
		Errors: []int{http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
	}, a.writeRows)
	// Huma reads and checks a body that it knows of, at once; this one is a stream.
	a.huma.OpenAPI().Paths["/v1/tables/{table}/rows"].Post.RequestBody = a.rowsBody()
	registerWrite(a, huma.Operation{
		OperationID: "deleteTableRows", Method: http.MethodDelete, Path: "/v1/tables/{table}/rows", Tags: tags,
		Summary: "Delete rows by key or by filter",
		Description: "Deletes the rows that the filters name, which are written as for reading; there must be one. " +
			"At most 1,000,000 rows of an upsert table are deleted at once. That no row matches is no error.",
		Metadata: withMetadata(nil, filterOperation),
		Errors:   []int{http.StatusRequestEntityTooLarge},
	}, a.deleteRows)
}

// rowsBody documents a body of rows in each of its formats.
func (a *API) rowsBody() *huma.RequestBody {
	row := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "A row: columns by name"}
	content := map[string]*huma.MediaType{}
	for _, mediaType := range ingest.MediaTypes {
		content[mediaType] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	maps.Copy(content, map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{
			Description: "An array of rows, or an object with such an array under rows, such as a frame",
			OneOf: []*huma.Schema{
				{Type: huma.TypeArray, Items: row},
				{Type: huma.TypeObject, Required: []string{"rows"}, AdditionalProperties: true, Properties: map[string]*huma.Schema{"rows": {Type: huma.TypeArray, Items: row}}},
			},
		}},
		"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString, Description: "A row a line, as a JSON object"}},
		"text/csv":             {Schema: &huma.Schema{Type: huma.TypeString, Description: "A header line with the names of columns, then a row a line. An empty field is null, \"\" an empty text"}},
	})
	return &huma.RequestBody{Required: true, Content: content}
}
