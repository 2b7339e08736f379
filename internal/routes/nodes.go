package routes

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/timeseries"
)

// NodePath names a node.
type NodePath struct {
	Node string `path:"node" doc:"Published name of the node" example:"stocks"`
}

// NodeSeriesInput chooses series and columns of a node, 10,000 rows unless it says
// otherwise. Every other parameter is a
// filter: the name of a column with the value it must have.
type NodeSeriesInput struct {
	NodePath
	RowsInput
	Filters
	Identifiers []string `query:"identifiers" doc:"Series to return, by their first dimension; all when left out" example:"[\"AAPL\",\"MSFT\"]"`
	Select      []string `query:"select" doc:"Value columns to return; all when left out. Time and dimensions always come along" example:"[\"price\"]"`
}

// RangeInput is a time range.
type RangeInput struct {
	From      string `query:"from" doc:"Start of the range, which it contains: an ISO 8601 instant, a date, a clock time without an offset (both of the time zone), seconds or milliseconds since 1970, or relative to now: -24h, -7d, now-1h" example:"2008-09-01"`
	To        string `query:"to" doc:"End of the range, which it does not contain; a bare date includes that day" example:"2008-09-30"`
	Last      string `query:"last" doc:"Short for a from that lies so far back: 24h, 7d, 3mo" example:"7d"`
	Start     string `query:"start" doc:"The same as from" example:"2008-09-01"`
	End       string `query:"end" doc:"The same as to" example:"2008-09-30"`
	StartDate string `query:"start_date" doc:"The same as from" example:"2008-09-01"`
	EndDate   string `query:"end_date" doc:"The same as to" example:"2008-09-30"`
	Inclusive string `query:"inclusive" enum:"left,right,both,neither" doc:"Which ends belong to the range, left when left out. A bare date as the end includes its day, and nothing after it, in any case; meta.range says what came of it"`
	Timezone  string `query:"timezone" doc:"IANA time zone of dates, of clock times without an offset, of days in -7d and of buckets; UTC when left out. Times in the answer are always UTC" example:"America/New_York"`
}

// span is the range under the one name that each of its ends is given.
func (in *RangeInput) span() (timeseries.Range, error) {
	r := timeseries.Range{Last: in.Last, Inclusive: in.Inclusive, Timezone: in.Timezone}
	type end struct{ name, text string }
	one := func(value, name *string, ends ...end) error {
		for _, e := range ends {
			if *value != "" && e.text != "" && e.text != *value {
				return contracts.Invalid("query."+e.name, e.text, "Give one of them.", "%s and %s mean the same end of the range, and contradict each other.", *name, e.name)
			}
			if *value == "" {
				*value, *name = e.text, e.name
			}
		}
		return nil
	}
	err := one(&r.From, &r.FromName, end{"from", in.From}, end{"start", in.Start}, end{"start_date", in.StartDate})
	if err == nil {
		err = one(&r.To, &r.ToName, end{"to", in.To}, end{"end", in.End}, end{"end_date", in.EndDate})
	}
	return r, err
}

// BucketInput puts observations together in buckets of time.
type BucketInput struct {
	Interval   string   `query:"interval" doc:"Puts the observations of each series together in buckets of this length: a number and ms, s, m, h, d, w, mo, q or y. Buckets follow the calendar and clocks of the time zone; weeks begin on Monday" example:"1mo"`
	Origin     string   `query:"origin" doc:"An instant or date at which a bucket begins, in place of the calendar's beginnings" example:"2008-01-01"`
	Label      string   `query:"label" enum:"left,right" doc:"Whether the time of a bucket is its start (left, when left out) or its end"`
	Agg        []string `query:"agg" doc:"How values are put together: last, first, mean, min, max, sum, count, median, p95 or ohlc, for all columns or as column:aggregation. When left out, as the catalog says, and else last; meta.range.aggregation says what was used. First and last go by time, and of several values at one time are the smallest and the greatest; median and p95 lie between two values where no single one is in place; null and NaN are not observed; ohlc of columns open, high, low and close makes coarser bars, and a volume adds up" example:"[\"price:mean\"]"`
	Fill       string   `query:"fill" doc:"What buckets without an observation hold: none (they are left out, when left out), null, previous (looked for up to 10 buckets before the range too), linear or a number. An end of the range that is open is, for each series, that of its own observations" example:"previous"`
	MarkFilled bool     `query:"mark_filled" doc:"Adds the column filled, which is true where a bucket has no observation or a value was filled in"`
}

// NodeRowsInput asks for observations in a time range.
type NodeRowsInput struct {
	NodeSeriesInput
	RangeInput
	BucketInput
	Points     int64  `query:"points" minimum:"2" maximum:"100000" doc:"About the most points of a series; the server reduces them and says how in meta.range.downsample" example:"1000"`
	Downsample string `query:"downsample" enum:"auto,m4,lttb,mean" doc:"How points are reduced, auto when left out: not at all when no series has more rows than points, with lttb below 100 points, and else with m4, which keeps the first, the last, the least and the greatest of each column of a chart. These keep rows as they are; mean makes buckets"`
	Shape      string `query:"shape" enum:"long,wide" doc:"A row for each time and series (long, when left out), or one for each time with a column for each series"`
	Since      string `query:"since" doc:"The meta.tabular.tailCursor of an earlier answer: keeps what came or changed since, where the description of the node names a column changed, and else what has the same or a later time, so that rows which come late are missed. Rows at its very mark come again, to be merged by their key. What an answer left out because it was truncated does not come again"`
	Order      string `query:"order" enum:"asc,desc" default:"asc" doc:"Oldest or newest first"`
}

// NodeOutput describes a node.
type NodeOutput struct {
	Body timeseries.NodeDescription
}

func (a *API) listNodes(ctx context.Context, _ *FormatInput) (*catalog.Reading, error) {
	return &catalog.Reading{Run: a.TimeSeries.List}, nil
}

func (a *API) describeNode(ctx context.Context, in *NodePath) (*NodeOutput, error) {
	description, err := a.TimeSeries.Describe(ctx, in.Node)
	return &NodeOutput{description}, err
}

func (a *API) nodeRows(ctx context.Context, in *NodeRowsInput) (*catalog.Reading, error) {
	in.columns(a.TimeSeries)
	query, err := in.query(ctx, a.TimeSeries)
	if err != nil {
		return nil, err
	}
	if query.Range, err = in.span(); err != nil {
		return nil, err
	}
	query.Buckets = timeseries.Buckets(in.BucketInput)
	query.Points, query.Downsample, query.Shape, query.Since = in.Points, in.Downsample, in.Shape, in.Since
	query.Descending = in.Order == "desc"
	return in.represent(a.TimeSeries.Rows(query))
}

func (in *NodeSeriesInput) query(ctx context.Context, service *timeseries.Service) (timeseries.Query, error) {
	limit, err := in.limit(ctx)
	if err != nil {
		return timeseries.Query{}, err
	}
	where, err := in.on(service.Table(in.Node))
	return timeseries.Query{Node: in.Node, Identifiers: in.Identifiers, Where: where, Select: in.Select, Limit: limit}, err
}

func (a *API) registerNodes() {
	tags := []string{"Nodes"}
	registerFrame(a, huma.Operation{
		OperationID: "listNodes", Path: "/v1/nodes", Tags: tags, Errors: failures,
		Summary: "Published nodes",
	}, a.listNodes)
	register(a, huma.Operation{
		OperationID: "describeNode", Path: "/v1/nodes/{node}", Tags: tags, Errors: lookups,
		Summary: "What a node holds",
	}, a.describeNode)
	registerFrame(a, huma.Operation{
		OperationID: "readNodeRows", Path: "/v1/nodes/{node}/rows", Tags: tags, Errors: lookups,
		Summary: "Observations of a node in a time range",
		Description: "The range contains its start and not its end. When there are more rows than the limit, the newest " +
			"are returned and `meta.tabular.truncated` is true. Any column can be a parameter, as for tables. With interval, a " +
			"row is a bucket of a series; one that the range or the time until now cuts is said in `meta.range`.",
		Metadata: withMetadata(nil, filterOperation),
	}, a.nodeRows)
	a.registerNodeQuery()
	a.registerSeries()
}
