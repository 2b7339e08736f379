package routes

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/tables/filter"
)

// Marks of an operation, kept in its metadata.
const (
	// frameOperation marks an operation that answers a frame, in any format.
	frameOperation = "frame"
	// filterOperation marks an operation whose undeclared parameters are filters on
	// columns, which the service knows.
	filterOperation = "filters"
)

func withMetadata(metadata map[string]any, mark string) map[string]any {
	metadata = maps.Clone(metadata)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata[mark] = true
	return metadata
}

// strictQuery refuses query parameters that would be ignored: those that can't be read,
// are not known, are given twice where one counts, or are empty.
func (a *API) strictQuery(ctx huma.Context, next func(huma.Context)) {
	u := ctx.URL()
	if u.RawQuery == "" {
		next(ctx)
		return
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		a.writeProblem(ctx, contracts.Invalid("query", u.RawQuery, "Percent-encode special characters; separate parameters with &.", "The query string cannot be read."))
		return
	}
	op := ctx.Operation()
	declared := map[string]bool{}
	for _, p := range op.Parameters {
		if p.In == "query" {
			declared[p.Name] = true
		}
	}
	var issues []contracts.Issue
	for _, name := range slices.Sorted(maps.Keys(query)) {
		values := query[name]
		issue := contracts.Issue{Location: "query." + name, Value: strings.Join(values, ", ")}
		switch {
		case !declared[name] && op.Metadata[filterOperation] != nil:
			continue
		case !declared[name]:
			issue.Message = fmt.Sprintf("There is no parameter %q.", name)
			issue.Hint = parameterHint(name, slices.Sorted(maps.Keys(declared)))
		case len(values) > 1:
			issue.Message = fmt.Sprintf("The parameter %q is given %d times.", name, len(values))
			issue.Hint = "Give it once; separate several values with commas where it takes several."
		case values[0] == "":
			issue.Message = fmt.Sprintf("The parameter %q is empty.", name)
			issue.Hint = "Leave it out, or give it a value."
		default:
			continue
		}
		issues = append(issues, issue)
	}
	if len(issues) > 0 {
		a.writeProblem(ctx, &contracts.Error{Code: contracts.CodeInvalidRequest, Detail: issues[0].Message, Issues: issues})
		return
	}
	next(ctx)
}

func parameterHint(name string, known []string) string {
	if len(known) == 0 {
		return "This route takes no parameters."
	}
	hint := "Parameters are " + strings.Join(known, ", ") + "."
	if near := contracts.Nearest(name, known); near != "" {
		hint = fmt.Sprintf("Did you mean %q? %s", near, hint)
	}
	return hint
}

type formatKey struct{}

var jsonFormat = []contracts.Format{{Name: "json", MediaType: "application/json"}}

// negotiate settles the format of the answer before anything is asked.
func (a *API) negotiate(ctx huma.Context, next func(huma.Context)) {
	formats, name := jsonFormat, ""
	if ctx.Operation().Metadata[frameOperation] != nil {
		formats, name = contracts.Formats(), ctx.Query("format")
	}
	if name == "" && slices.ContainsFunc(ctx.Operation().Parameters, func(p *huma.Param) bool { return p.Name == "explain" }) {
		// Who accepts it more than a frame asks for it, like explain=1.
		formats = append(formats, contracts.Format{MediaType: explanationType})
	}
	format, err := contracts.Negotiate(formats, name, headerList(ctx, "Accept"))
	if err != nil {
		a.writeProblem(ctx, err)
		return
	}
	if format.MediaType == explanationType {
		ctx, format = huma.WithValue(ctx, explainKey{}, true), formats[0]
	}
	next(huma.WithValue(ctx, formatKey{}, format))
}

// headerList is a header that is a list, of which a request may spread the parts over
// several lines (RFC 9110, section 5.3).
func headerList(ctx huma.Context, name string) string {
	r, _ := humachi.Unwrap(ctx)
	return strings.Join(r.Header.Values(name), ",")
}

// Filters are conditions on columns: the query parameters that an operation does not
// declare, and where. Embedded in an input, it is filled before the handler runs.
type Filters struct {
	Where      string `query:"where" doc:"A filter as an expression, for what single parameters cannot say: and(), or() and not() of conditions, and conditions on related rows, as in or(state=AK,not(latitude.gte=60))" example:"or(state=AK,state=HI)"`
	parameters url.Values
	declared   []string
}

// whereParameter is declared, and is a filter all the same.
const whereParameter = "where"

// Resolve implements huma.Resolver.
func (f *Filters) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	f.parameters = u.Query()
	for _, p := range ctx.Operation().Parameters {
		if p.In == "query" && p.Name != whereParameter {
			delete(f.parameters, p.Name)
			f.declared = append(f.declared, p.Name)
		}
	}
	return nil
}

// on is the filter on a table that was looked up.
func (f *Filters) on(table *catalog.Table, err error) (filter.Expr, error) {
	if err != nil {
		return nil, err
	}
	return filter.FromQuery(table, f.parameters, f.declared)
}
