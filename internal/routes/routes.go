// Package routes is HTTP and nothing else: it turns requests into typed questions to
// the services, and their answers and errors into responses.
//
// A parameter is never silently ignored: one that an operation does not have, one that
// is given twice and one that is empty are refused. A frame whose rows stop coming
// breaks the connection off, so that no client takes a part for the whole.
package routes

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"framehouse/internal/cache"
	"framehouse/internal/catalog"
	"framehouse/internal/store"
	"framehouse/internal/tables"
	"framehouse/internal/timeseries"
)

// Services are what the routes answer from. All but Logger may be nil in an API that
// only describes itself.
type Services struct {
	Tables     *tables.Service
	TimeSeries *timeseries.Service
	Catalog    *catalog.Live
	// Ping tells at once whether ClickHouse answers, and its version.
	Ping   func(ctx context.Context) (version string, err error)
	Build  Build
	Logger *slog.Logger
	// Origins are the sites whose scripts may read answers in a browser.
	Origins Origins
	// BasePath is what all paths begin with, such as /data; empty for none.
	BasePath string
	// PublicURL is what clients call us, the base path included, without a slash at its
	// end; empty when nobody has said it.
	PublicURL string
	// Cache keeps answers; nil keeps none.
	Cache *cache.Cache
}

// Build says which program this is.
type Build struct {
	Version string `json:"version" doc:"Version of framehouse"`
	Commit  string `json:"commit,omitempty" doc:"Commit that it was built from"`
}

// API is the HTTP interface.
type API struct {
	Services
	huma      huma.API
	mux       chi.Router
	documents documents
	assets    *assets
	memory    *cache.Memory[*remembered] // nil without a cache
}

// conventions are process-wide switches of the Huma library. Its arrays would be
// declared nullable, which our contract forbids and Command Center does not understand;
// its errors would not be ours.
var conventions = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return newProblem(foreign(status, message, errs), "")
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		ctx.SetHeader("Cache-Control", noStore)
		return newProblem(foreign(status, message, errs), requestID(ctx.Context()))
	}
})

// New returns the API over services.
func New(services Services) *API {
	conventions()
	a := &API{Services: services, mux: chi.NewMux()}

	if a.Cache != nil {
		a.memory = cache.NewMemory[*remembered](a.Cache)
	}

	// In this order: a request has its id before anything can fail, its time counts from the
	// start, a panic is logged with that id, and the access line is written when all is over.
	// Browsers hear of every answer whether they may hand it on. Behind mount, paths are
	// without the base path. HEAD asks like GET. What is kept is looked for before anything is
	// read of a request.
	a.mux.Use(identify, observe, a.logAccess, a.recoverPanic, a.cors, a.mount, middleware.GetHead, a.quick)
	a.mux.NotFound(a.notFound)
	a.mux.MethodNotAllowed(a.methodNotAllowed)

	config := huma.DefaultConfig("framehouse", services.Build.Version)
	config.Info.Description = "ClickHouse tables and time series as tabular frames."
	config.CreateHooks = nil // they would add members to frames that the contract forbids
	config.DocsPath = ""     // ours, at /docs, needs no internet
	config.OpenAPIPath = ""  // ours follows the catalog
	config.SchemasPath = ""
	// Without an address the document's own host is meant, which needs no words; some clients
	// would make // of a server / and a path.
	if server := cmp.Or(services.PublicURL, services.BasePath); server != "" {
		config.Servers = []*huma.Server{{URL: server}}
	}
	a.huma = humachi.New(a.mux, config)
	a.huma.UseMiddleware(a.strictQuery, a.negotiate)

	a.registerHealth()
	a.registerTutorial()
	a.registerTables()
	a.registerWrites()
	a.registerNodes()
	a.promiseHeaders()
	a.registerDocs()
	a.mux.Get("/openapi.json", a.serve(func(w written) (page, error) { return w.json, nil }))
	a.mux.Get("/openapi.yaml", a.serve(func(w written) (page, error) { return w.yaml() }))
	a.mux.Get(discoveryPath, a.serve(func(w written) (page, error) { return w.contract, nil }))
	return a
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// OpenAPI is the document that describes the API.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// operations are those of a path, in the order of the document.
func operations(item *huma.PathItem) []*huma.Operation {
	all := []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete}
	return slices.DeleteFunc(all, func(op *huma.Operation) bool { return op == nil })
}

// failures are what any operation that asks ClickHouse may answer instead.
var failures = []int{
	http.StatusNotAcceptable, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
	http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// refusals are what an operation may answer that takes nothing and asks no data.
var refusals = []int{http.StatusNotAcceptable, http.StatusUnprocessableEntity, http.StatusInternalServerError}

// register adds an operation whose answer is a typed value.
func register[I, O any](a *API, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	op.Method = http.MethodGet
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(store.WithPurpose(ctx, op.OperationID), in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

// registerFrame adds an operation whose answer is a frame. The handler finds out what is to
// be read.
func registerFrame[I any, P frameInput[I]](a *API, op huma.Operation, handler func(context.Context, *I) (*catalog.Reading, error)) {
	op.Method = cmp.Or(op.Method, http.MethodGet)
	op.Metadata = withMetadata(op.Metadata, frameOperation)
	op.Responses = map[string]*huma.Response{"200": a.frameResponse()}
	if _, ok := any(new(I)).(explainer); ok {
		schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Explanation](), true, "Explanation")
		op.Responses["200"].Content[explanationType] = &huma.MediaType{Schema: schema}
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		ctx, err := asExplainer(ctx, in, P(in).format())
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		reading, err := handler(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		if explaining(ctx) {
			return a.explain(store.WithPurpose(ctx, op.OperationID), reading)
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) { a.answerReading(hc, reading, P(in).format()) }}, nil
	})
}
