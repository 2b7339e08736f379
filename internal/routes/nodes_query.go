package routes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/timeseries"
)

// NodeQueryInput asks for observations of a node with a body.
type NodeQueryInput struct {
	NodePath
	NumbersInput
	JSONBody
}

// NodeQuery documents the body; it is decoded member by member. What is not described here
// means what the parameter of that name means.
type NodeQuery struct {
	Select      []string      `json:"select,omitempty" doc:"Value columns to return"`
	Where       queryFilter   `json:"where,omitempty" doc:"Filter on the observations"`
	Identifiers []string      `json:"identifiers,omitempty" doc:"Series to return, by their first dimension"`
	Ranges      []SeriesRange `json:"ranges,omitempty" doc:"A range for each of some series, in place of one for all; other series are left out"`
	From        oneOrNumber   `json:"from,omitempty"`
	To          oneOrNumber   `json:"to,omitempty"`
	Last        string        `json:"last,omitempty"`
	Start       oneOrNumber   `json:"start,omitempty"`
	End         oneOrNumber   `json:"end,omitempty"`
	StartDate   oneOrNumber   `json:"start_date,omitempty"`
	EndDate     oneOrNumber   `json:"end_date,omitempty"`
	Inclusive   string        `json:"inclusive,omitempty" enum:"left,right,both,neither"`
	Timezone    string        `json:"timezone,omitempty"`
	Interval    string        `json:"interval,omitempty"`
	Origin      oneOrNumber   `json:"origin,omitempty"`
	Label       string        `json:"label,omitempty" enum:"left,right"`
	Agg         []string      `json:"agg,omitempty"`
	Fill        oneOrNumber   `json:"fill,omitempty"`
	MarkFilled  bool          `json:"mark_filled,omitempty"`
	Points      int64         `json:"points,omitempty" minimum:"2" maximum:"100000"`
	Downsample  string        `json:"downsample,omitempty" enum:"auto,m4,lttb,mean"`
	Shape       string        `json:"shape,omitempty" enum:"long,wide"`
	Since       string        `json:"since,omitempty"`
	Order       string        `json:"order,omitempty" enum:"asc,desc"`
	Limit       queryLimit    `json:"limit,omitempty"`
}

// SeriesRange is the range of some series.
type SeriesRange struct {
	Series map[string]values `json:"series" doc:"Dimensions, each with the value or the list of values of the series that are meant"`
	From   oneOrNumber       `json:"from,omitempty"`
	To     oneOrNumber       `json:"to,omitempty"`
	Last   string            `json:"last,omitempty"`
}

// oneOrNumber is a text that may be written as a number. All its digits count.
type oneOrNumber string

// Schema implements huma.SchemaProvider.
func (oneOrNumber) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeNumber, Format: "double"}}}
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *oneOrNumber) UnmarshalJSON(data []byte) error {
	var number json.Number
	if data[0] != '"' && json.Unmarshal(data, &number) == nil && number != "" {
		*t = oneOrNumber(number)
		return nil
	}
	if data[0] != '"' {
		return errors.New("neither a text nor a number")
	}
	return json.Unmarshal(data, (*string)(t))
}

// values are one value or several.
type values []string

// Schema implements huma.SchemaProvider.
func (values) Schema(r huma.Registry) *huma.Schema {
	one := oneOrNumber("").Schema(r).OneOf
	return &huma.Schema{OneOf: append(one, &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{OneOf: one}})}
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *values) UnmarshalJSON(data []byte) error {
	list := []oneOrNumber{""}
	target := any(&list[0])
	if bytes.HasPrefix(data, []byte("[")) {
		target = &list
	}
	if err := json.Unmarshal(data, target); err != nil {
		return err
	}
	for _, text := range list {
		*v = append(*v, string(text))
	}
	return nil
}

// query reads the body.
func (in *NodeQueryInput) query(ctx context.Context) (timeseries.Query, error) {
	q := timeseries.Query{Node: in.Node}
	o, err := in.object(membersOf[NodeQuery]())
	if err != nil {
		return q, err
	}
	var body NodeQuery
	var ranges []json.RawMessage
	var limit json.RawMessage
	const instant = "an instant: a text, or a number since 1970"
	err = errors.Join(
		member(o, "select", "a list of column names", &q.Select),
		tree(o, "where", &q.Where),
		member(o, "identifiers", "a list of texts", &q.Identifiers),
		member(o, "ranges", `a list such as [{"series": {"symbol": "AAPL"}, "from": "2024-01-01", "to": "2024-01-31"}]`, &ranges),
		member(o, "from", instant, &body.From), member(o, "to", instant, &body.To), member(o, "last", "a span", &body.Last),
		member(o, "start", instant, &body.Start), member(o, "end", instant, &body.End),
		member(o, "start_date", instant, &body.StartDate), member(o, "end_date", instant, &body.EndDate),
		member(o, "inclusive", "left, right, both or neither", &body.Inclusive),
		member(o, "timezone", "a text", &body.Timezone),
		member(o, "interval", "a text such as \"1h\"", &q.Buckets.Interval),
		member(o, "origin", instant, &body.Origin),
		member(o, "label", "left or right", &q.Buckets.Label),
		member(o, "agg", "a list of aggregations such as \"close:last\"", &q.Buckets.Agg),
		member(o, "fill", "none, null, previous, linear or a number", &body.Fill),
		member(o, "mark_filled", "true or false", &q.Buckets.MarkFilled),
		member(o, "points", "a whole number", &q.Points),
		member(o, "downsample", "auto, m4, lttb or mean", &q.Downsample),
		member(o, "shape", "long or wide", &q.Shape),
		member(o, "since", "a text", &q.Since),
		member(o, "order", "asc or desc", &body.Order),
		member(o, "limit", "a whole number above zero, or \"all\"", &limit),
	)
	if err != nil {
		return q, err
	}
	if err := o.filled(); err != nil {
		return q, err
	}
	for _, choice := range []struct {
		name, value string
		of          []string
	}{{"downsample", q.Downsample, []string{"auto", "m4", "lttb", "mean"}}, {"shape", q.Shape, []string{"long", "wide"}}, {"order", body.Order, []string{"asc", "desc"}}} {
		if choice.value != "" && !slices.Contains(choice.of, choice.value) {
			return q, contracts.Invalid("body."+choice.name, choice.value, "", "%s must be one of %s.", choice.name, strings.Join(choice.of, ", "))
		}
	}
	if _, given := o.members["points"]; given && (q.Points < 2 || q.Points > 100_000) {
		return q, contracts.Invalid("body.points", q.Points, "", "points must lie between 2 and 100000.")
	}
	if _, given := o.members["ranges"]; given && len(ranges) == 0 {
		return q, contracts.Invalid("body.ranges", nil, "Leave it out, or give a range.", "The list of ranges is empty.")
	}
	if _, given := o.members["identifiers"]; given && len(q.Identifiers) == 0 {
		return q, contracts.Invalid("body.identifiers", nil, "Leave it out, or give it a value.", "The list of identifiers is empty.")
	}
	q.Buckets.Origin, q.Buckets.Fill, q.Descending = string(body.Origin), string(body.Fill), body.Order == "desc"
	for i, text := range ranges {
		one, err := seriesRange(fmt.Sprintf("body.ranges[%d]", i), text)
		if err != nil {
			return q, err
		}
		q.Series = append(q.Series, one)
	}
	times := RangeInput{
		From: string(body.From), To: string(body.To), Last: body.Last, Start: string(body.Start), End: string(body.End),
		StartDate: string(body.StartDate), EndDate: string(body.EndDate), Inclusive: body.Inclusive, Timezone: body.Timezone,
	}
	if q.Range, err = times.span(); err != nil {
		return q, inBody(err)
	}
	q.Limit, err = (&TableQueryInput{NumbersInput: in.NumbersInput}).bodyLimit(ctx, limit)
	return q, err
}

// filled makes sure that no text is empty: what a program failed to fill in would otherwise
// mean the same as if it had not been there, which is mostly everything.
func (o object) filled() error {
	for _, name := range slices.Sorted(maps.Keys(o.members)) {
		if string(o.members[name]) == `""` {
			return contracts.Invalid(o.path+"."+name, "", "Leave it out, or give it a value.", "The member %q is empty.", name)
		}
	}
	return nil
}

// seriesRange reads the range of some series.
func seriesRange(path string, text json.RawMessage) (timeseries.SeriesRange, error) {
	r := timeseries.SeriesRange{Series: map[string][]string{}}
	o, err := readObject(path, text, membersOf[SeriesRange]())
	if err != nil {
		return r, err
	}
	var from, to oneOrNumber
	var series map[string]values
	err = errors.Join(
		member(o, "from", "an instant", &from), member(o, "to", "an instant", &to), member(o, "last", "a span", &r.Range.Last),
		member(o, "series", `an object such as {"symbol": "AAPL"}`, &series),
	)
	if err == nil {
		err = o.filled()
	}
	if err == nil && series != nil {
		// Again, for a dimension that is there twice.
		_, err = readObject(path+".series", o.members["series"], slices.Sorted(maps.Keys(series)))
	}
	for name, wanted := range series {
		r.Series[name] = wanted
	}
	r.Range.From, r.Range.To = string(from), string(to)
	return r, err
}

// inBody is an error of a request whose parameters are members of its body.
func inBody(err error) error {
	var e *contracts.Error
	if !errors.As(err, &e) || e.Code != contracts.CodeInvalidRequest {
		return err
	}
	moved := *e
	moved.Issues = slices.Clone(e.Issues)
	for i, issue := range moved.Issues {
		if name, found := strings.CutPrefix(issue.Location, "query."); found {
			moved.Issues[i].Location = "body." + name
		}
	}
	return &moved
}

func (a *API) queryNode(ctx context.Context, in *NodeQueryInput) (*catalog.Reading, error) {
	query, err := in.query(ctx)
	if err != nil {
		return nil, err
	}
	reading, err := a.TimeSeries.Rows(query)
	if err != nil {
		return nil, inBody(err)
	}
	run := reading.Run
	reading.Key = reading.Key.With("body") // an error that needs the data names another place
	reading.Run = func(ctx context.Context) (*contracts.Frame, error) {
		frame, err := run(ctx)
		return frame, inBody(err)
	}
	return in.represent(reading, nil)
}

func (a *API) registerNodeQuery() {
	const path = "/v1/nodes/{node}/query"
	registerFrame(a, huma.Operation{
		OperationID: "queryNode", Method: http.MethodPost, Path: path, Tags: []string{"Nodes"},
		Errors:      append([]int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}, lookups...),
		Summary:     "Observations of a node, asked for with a body",
		Description: "The same as the rows route, with all its parameters as members, for filters that are built by a program, and for ranges of single series.",
	}, a.queryNode)
	// Declared after it is registered: the library would read and check the body itself.
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[NodeQuery](), true, "NodeQuery")
	a.huma.OpenAPI().Paths[path].Post.RequestBody = &huma.RequestBody{
		Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}
}
