package routes

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/tables"
	"framehouse/internal/timeseries"
)

// NodeLatestInput asks for the last observation of each series.
type NodeLatestInput struct {
	NodeSeriesInput
	At       string `query:"at" doc:"As of this time: no later observation counts, one at this very time does. Written like from; a bare date means through the end of that day" example:"2005-06-15"`
	MaxAge   string `query:"max_age" doc:"A series without an observation within this span before at, or before now, is stale: 90s, 15m, 24h, 7d" example:"24h"`
	Stale    string `query:"stale" enum:"drop,null" doc:"Leaves stale series out (drop, when left out), or keeps them with the time of their last observation and nulls for its values"`
	Timezone string `query:"timezone" doc:"IANA time zone of dates and of days in max_age; UTC when left out" example:"America/New_York"`
}

// NodeAsOfInput asks for observations together with those of other nodes.
type NodeAsOfInput struct {
	NodeSeriesInput
	RangeInput
	With      []string `query:"with" required:"true" doc:"What to join, as node:column, or node alone for its main value" example:"[\"sp500:close\"]"`
	Tolerance string   `query:"tolerance" doc:"How old a joined value may be: 500ms, 5m, 7d; any age when left out. With one, and a start of the range, less is read" example:"7d"`
	Order     string   `query:"order" enum:"asc,desc" default:"asc" doc:"Oldest or newest first"`
}

// NodeCoverageInput asks what there is of each series.
type NodeCoverageInput struct {
	NodePath
	RowsInput
	Filters
	RangeInput
	Identifiers []string `query:"identifiers" doc:"Series to return, by their first dimension; all when left out" example:"[\"AAPL\",\"MSFT\"]"`
}

// NodeValuesInput asks for the distinct values of a dimension. Every other parameter is a filter on the observations.
type NodeValuesInput struct {
	NodePath
	FormatInput
	ExplainInput
	Filters
	Dimension string `path:"dimension" doc:"Dimension whose values are asked for" example:"symbol"`
	Search    string `query:"search" doc:"Keeps values that contain this text; capital and small letters are the same" example:"aa"`
	Limit     int64  `query:"limit" minimum:"1" maximum:"10000" default:"100" doc:"The most values to return"`
}

// columns gives parameters that mean nothing without an interval to the columns of their
// names, if the node has such: origin=SEA asks for flights from there.
func (in *NodeRowsInput) columns(service *timeseries.Service) {
	table, err := service.Table(in.Node)
	if err != nil || in.Interval != "" {
		return
	}
	for name, value := range map[string]*string{"origin": &in.Origin, "fill": &in.Fill} {
		if *value != "" && table.Column(name) != nil {
			in.parameters[name] = []string{*value}
			*value = ""
		}
	}
}

func (a *API) nodeLatest(ctx context.Context, in *NodeLatestInput) (*catalog.Reading, error) {
	query, err := in.query(ctx, a.TimeSeries)
	if err != nil {
		return nil, err
	}
	query.Range.Timezone = in.Timezone
	query.Latest = timeseries.Latest{At: in.At, MaxAge: in.MaxAge, Stale: in.Stale}
	return in.represent(a.TimeSeries.Latest(query))
}

func (a *API) nodeAsOf(ctx context.Context, in *NodeAsOfInput) (*catalog.Reading, error) {
	query, err := in.query(ctx, a.TimeSeries)
	if err != nil {
		return nil, err
	}
	if query.Range, err = in.span(); err != nil {
		return nil, err
	}
	query.Descending = in.Order == "desc"
	return in.represent(a.TimeSeries.AsOf(query, timeseries.AsOf{With: in.With, Tolerance: in.Tolerance}))
}

func (a *API) nodeCoverage(ctx context.Context, in *NodeCoverageInput) (*catalog.Reading, error) {
	series := NodeSeriesInput{NodePath: in.NodePath, RowsInput: in.RowsInput, Filters: in.Filters, Identifiers: in.Identifiers}
	query, err := series.query(ctx, a.TimeSeries)
	if err != nil {
		return nil, err
	}
	if query.Range, err = in.span(); err != nil {
		return nil, err
	}
	return in.represent(a.TimeSeries.Coverage(query))
}

func (a *API) nodeValues(ctx context.Context, in *NodeValuesInput) (*catalog.Reading, error) {
	table, err := a.TimeSeries.Dimension(in.Node, in.Dimension)
	if err != nil {
		return nil, err
	}
	where, err := in.on(table, nil)
	if err != nil {
		return nil, err
	}
	return a.Tables.ValuesOf(table, tables.ValuesQuery{
		Table: in.Node, Column: in.Dimension, Where: where, Search: in.Search, Limit: in.Limit,
	})
}

func (a *API) registerSeries() {
	tags := []string{"Nodes"}
	registerFrame(a, huma.Operation{
		OperationID: "readNodeLatest", Path: "/v1/nodes/{node}/latest", Tags: tags, Errors: lookups,
		Summary: "The last observation of each series",
		Description: "Ordered by series. Of several observations at the same time the one counts whose values are " +
			"greatest, compared column by column. Any column can be a parameter, as for rows.",
		Metadata: withMetadata(nil, filterOperation),
	}, a.nodeLatest)
	registerFrame(a, huma.Operation{
		OperationID: "readNodeAsOf", Path: "/v1/nodes/{node}/asof", Tags: tags, Errors: lookups,
		Summary: "Observations with what other nodes held at their times",
		Description: "The rows of the node, as its rows route has them, with columns such as `sp500.close`: the value of " +
			"the last observation of that node at the time of the row or before, of the series with the same " +
			"dimensions; null when there is none, or none within the tolerance. Of several at one time the one counts " +
			"whose values are greatest. A date stands for the start of its day in the time zone. `with=sp500:date` adds its time.",
		Metadata: withMetadata(nil, filterOperation),
	}, a.nodeAsOf)
	registerFrame(a, huma.Operation{
		OperationID: "readNodeCoverage", Path: "/v1/nodes/{node}/coverage", Tags: tags, Errors: lookups,
		Summary:     "What there is of each series",
		Description: "For each series the time of its first and last observation, how many there are, and the longest gap between two in seconds. Range and filters apply.",
		Metadata:    withMetadata(nil, filterOperation),
	}, a.nodeCoverage)
	registerFrame(a, huma.Operation{
		OperationID: "readNodeValues", Path: "/v1/nodes/{node}/values/{dimension}", Tags: tags, Errors: lookups,
		Summary:     "Distinct values of a dimension",
		Description: "The most frequent first, each with the number of its observations, for pickers.",
		Metadata:    withMetadata(nil, filterOperation),
	}, a.nodeValues)
}
