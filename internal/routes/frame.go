package routes

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"framehouse/internal/contracts"
)

// stalled is how long a client may take nothing of an answer before it is given up. A
// query in ClickHouse lives as long as its reader.
const stalled = 60 * time.Second

// FormatInput is the choice of a frame's format. It is read by negotiate and declared
// here for the OpenAPI document.
type FormatInput struct {
	Format string `query:"format" doc:"Format of the answer: json. Without it the Accept header decides." example:"json"`
}

// writeFrame streams a frame. Until the first bytes leave, a failure still gets its own
// status; after that the connection is broken off.
func (a *API) writeFrame(ctx huma.Context, frame *contracts.Frame) {
	defer frame.Close()
	format, _ := ctx.Context().Value(formatKey{}).(contracts.Format)
	_, w := humachi.Unwrap(ctx)
	if ctx.Method() == http.MethodHead {
		ctx.SetHeader("Content-Type", format.MediaType)
		ctx.SetStatus(http.StatusOK)
		return
	}
	body := &body{ctx: ctx, deadline: http.NewResponseController(w), mediaType: format.MediaType}
	err := format.Encoder.Encode(body, frame)
	switch {
	case err == nil:
		return
	case !body.started:
		a.writeProblem(ctx, err)
	default:
		level := slog.LevelError
		if errors.Is(ctx.Context().Err(), context.Canceled) {
			level = slog.LevelDebug
		}
		a.Logger.Log(ctx.Context(), level, "answer broken off", "cause", err, "request", requestID(ctx.Context()))
		panic(http.ErrAbortHandler)
	}
}

// body sends the status with the first bytes.
type body struct {
	ctx       huma.Context
	deadline  *http.ResponseController
	mediaType string
	started   bool
}

func (b *body) Write(p []byte) (int, error) {
	if !b.started {
		b.started = true
		b.ctx.SetHeader("Content-Type", b.mediaType)
		b.ctx.SetStatus(http.StatusOK)
	}
	// A writer that knows no deadlines, as in some tests, has none.
	_ = b.deadline.SetWriteDeadline(time.Now().Add(stalled))
	return b.ctx.BodyWriter().Write(p)
}

var documentType = reflect.TypeFor[contracts.Document]()

// frameResponse documents a frame in each of its formats.
func (a *API) frameResponse() *huma.Response {
	response := &huma.Response{Description: "A tabular frame", Content: map[string]*huma.MediaType{}}
	for _, f := range contracts.Formats() {
		response.Content[f.MediaType] = &huma.MediaType{
			Schema: huma.SchemaFromType(a.huma.OpenAPI().Components.Schemas, documentType),
		}
	}
	return response
}
