package routes

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/contracts"
	"framehouse/internal/timeseries"
)

// NodePath names a node.
type NodePath struct {
	Node string `path:"node" doc:"Published name of the node" example:"sp500"`
}

// NodeSeriesInput chooses series and columns of a node, 10,000 rows unless it says
// otherwise. Every other parameter is a
// filter: the name of a column with the value it must have.
type NodeSeriesInput struct {
	NodePath
	RowsInput
	Filters
	Identifiers []string `query:"identifiers" doc:"Series to return, by their first dimension; all when left out"`
	Select      []string `query:"select" doc:"Value columns to return; all when left out. Time and dimensions always come along"`
}

// NodeRowsInput asks for observations in a time range.
type NodeRowsInput struct {
	NodeSeriesInput
	From  string `query:"from" doc:"Start of the range, which it contains: an ISO 8601 instant or date, seconds or milliseconds since 1970, or relative to now: -24h, -7d, now-1h" example:"2008-09-01"`
	To    string `query:"to" doc:"End of the range, which it does not contain; a bare date includes that day" example:"2008-09-30"`
	Last  string `query:"last" doc:"Short for a from that lies so far back: 24h, 7d, 3mo" example:"7d"`
	Order string `query:"order" enum:"asc,desc" default:"asc" doc:"Oldest or newest first"`
}

// NodeOutput describes a node.
type NodeOutput struct {
	Body timeseries.NodeDescription
}

func (a *API) listNodes(ctx context.Context, _ *FormatInput) (*contracts.Frame, error) {
	return a.TimeSeries.List(ctx)
}

func (a *API) describeNode(ctx context.Context, in *NodePath) (*NodeOutput, error) {
	description, err := a.TimeSeries.Describe(ctx, in.Node)
	return &NodeOutput{description}, err
}

func (a *API) nodeRows(ctx context.Context, in *NodeRowsInput) (*contracts.Frame, error) {
	query, err := in.query(ctx)
	if err != nil {
		return nil, err
	}
	query.Range = timeseries.Range{From: in.From, To: in.To, Last: in.Last}
	query.Descending = in.Order == "desc"
	return in.represent(a.TimeSeries.Rows(ctx, query))
}

func (a *API) nodeLatest(ctx context.Context, in *NodeSeriesInput) (*contracts.Frame, error) {
	query, err := in.query(ctx)
	if err != nil {
		return nil, err
	}
	return in.represent(a.TimeSeries.Latest(ctx, query))
}

func (in *NodeSeriesInput) query(ctx context.Context) (timeseries.Query, error) {
	limit, err := in.limit(ctx)
	return timeseries.Query{Node: in.Node, Identifiers: in.Identifiers, Where: in.where, Select: in.Select, Limit: limit}, err
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
			"are returned and `meta.tabular.truncated` is true. Any column can be a parameter, as for tables.",
		Metadata: withMetadata(nil, filterOperation),
	}, a.nodeRows)
	registerFrame(a, huma.Operation{
		OperationID: "readNodeLatest", Path: "/v1/nodes/{node}/latest", Tags: tags, Errors: lookups,
		Summary:  "The last observation of each series",
		Metadata: withMetadata(nil, filterOperation),
	}, a.nodeLatest)
}
