package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"framehouse/internal/contracts"
)

const problemType = "application/problem+json"

// problem is an error on its way through Huma.
type problem struct {
	contracts.Problem
	headers http.Header
}

var (
	_ huma.StatusError       = (*problem)(nil)
	_ huma.HeadersError      = (*problem)(nil)
	_ huma.ContentTypeFilter = (*problem)(nil)
)

func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) GetHeaders() http.Header   { return p.headers }
func (p *problem) ContentType(string) string { return problemType }

func newProblem(e *contracts.Error, requestID string) *problem {
	p := &problem{Problem: e.Problem(requestID), headers: http.Header{}}
	p.headers.Set("Cache-Control", noStore) // what failed now may not fail the next time
	if e.RetryAfter > 0 {
		seconds := (e.RetryAfter + time.Second - 1) / time.Second
		p.headers.Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	return p
}

// problem turns a service's error into the client's, and logs what the client may not
// know.
func (a *API) problem(ctx context.Context, err error) *problem {
	e := contracts.AsError(err)
	id := requestID(ctx)
	if e.Cause != nil {
		level := slog.LevelInfo
		if e.Status() >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		a.Logger.Log(ctx, level, e.Detail, "code", e.Code, "cause", e.Cause, "request", id)
	}
	return newProblem(a.mounted(e), id)
}

// writeProblem answers with an error outside of a handler.
func (a *API) writeProblem(ctx huma.Context, err error) {
	p := a.problem(ctx.Context(), err)
	for name := range p.headers {
		ctx.SetHeader(name, p.headers.Get(name))
	}
	ctx.SetHeader("Content-Type", problemType)
	ctx.SetStatus(p.Status)
	p.writeTo(ctx.BodyWriter())
}

func (p *problem) writeTo(w io.Writer) {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(p.Problem) // a client that left needs no answer
}

// foreign is an error that Huma made: a request that does not fit its schema, or a
// mistake of ours, whose text stays with us.
func foreign(status int, message string, errs []error) *contracts.Error {
	e := &contracts.Error{Code: contracts.CodeOf(status), Detail: message}
	if e.Code == contracts.CodeInternal {
		e.Detail = "Something went wrong on our side."
		return e
	}
	for _, err := range errs {
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) {
			e.Issues = append(e.Issues, contracts.Issue{Location: detail.Location, Message: detail.Message, Value: detail.Value})
		} else if err != nil {
			e.Issues = append(e.Issues, contracts.Issue{Message: err.Error()})
		}
	}
	if len(e.Issues) > 0 {
		first := e.Issues[0]
		_, name, _ := strings.Cut(first.Location, ".")
		e.Detail = strings.TrimSpace(name + ": " + first.Message)
	}
	return e
}

// notFound answers for a path that no route has.
func (a *API) notFound(w http.ResponseWriter, r *http.Request) {
	var paths []string
	for path := range a.huma.OpenAPI().Paths {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	hint := fmt.Sprintf("GET /openapi.json describes every route; %s shows them.", a.at("/docs"))
	if near := contracts.Nearest(r.URL.Path, paths); near != "" {
		hint = fmt.Sprintf("Did you mean %s? %s", a.at(near), hint)
	}
	asked := a.at(r.URL.Path)
	message := fmt.Sprintf("There is no route %s.", asked)
	a.answer(w, r, &contracts.Error{
		Code: contracts.CodeUnknownRoute, Detail: message,
		Issues: []contracts.Issue{{Location: "path", Message: message, Value: asked, Hint: hint}},
	})
}

func (a *API) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		if a.mux.Match(chi.NewRouteContext(), method, r.URL.Path) {
			allowed = append(allowed, method)
			if method == http.MethodGet {
				allowed = append(allowed, http.MethodHead)
			}
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	message := fmt.Sprintf("%s is not allowed here.", r.Method)
	a.answer(w, r, &contracts.Error{
		Code: contracts.CodeMethodNotAllowed, Detail: message,
		Issues: []contracts.Issue{{Location: "method", Message: message, Value: r.Method, Hint: "Allowed: " + strings.Join(allowed, ", ") + "."}},
	})
}

// answer writes an error where Huma has no part.
func (a *API) answer(w http.ResponseWriter, r *http.Request, err error) {
	p := a.problem(r.Context(), err)
	for name := range p.headers {
		w.Header().Set(name, p.headers.Get(name))
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	p.writeTo(w)
}
