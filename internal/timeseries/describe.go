package timeseries

import (
	"context"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// NodeDescription is what is told of a published node.
type NodeDescription struct {
	catalog.TableDescription
	Time       string   `json:"time" doc:"Column that holds the time of an observation"`
	Dimensions []string `json:"dimensions" doc:"Columns that tell series apart; none for a single series"`
	Values     []string `json:"values" doc:"Columns that hold what was observed"`
	Value      string   `json:"value,omitempty" doc:"The main value column"`
	Frequency  string   `json:"frequency,omitempty" doc:"How often an observation is expected; absent when irregular"`
	FirstTime  *string  `json:"firstTime,omitempty" doc:"Time of the oldest observation, as cells of the time column are written; absent when there is none"`
	LastTime   *string  `json:"lastTime,omitempty" doc:"Time of the newest observation"`
	Cadence    *Cadence `json:"cadence,omitempty" doc:"How often there is an observation in a sample of the data; absent when no series has two in it"`
	Changed    string   `json:"changed,omitempty" doc:"Column that grows with each insert or change, which since goes by; absent when it goes by time"`
}

// Describe describes a node, with its extent as it is now.
func (s *Service) Describe(ctx context.Context, name string) (NodeDescription, error) {
	node, err := s.node(name)
	if err != nil {
		return NodeDescription{}, err
	}
	common, err := node.Table.Describe(ctx, s.Sizes)
	if err != nil {
		return NodeDescription{}, err
	}
	d := NodeDescription{
		TableDescription: common,
		Time:             node.Time.Name,
		Dimensions:       []string{},
		Values:           []string{},
		Frequency:        node.Frequency,
	}
	inKey := map[string]bool{}
	for _, name := range node.Key {
		inKey[name] = true
	}
	for _, c := range node.Dimensions {
		d.Dimensions = append(d.Dimensions, c.Name)
	}
	for _, c := range node.Columns {
		if !inKey[c.Name] {
			d.Values = append(d.Values, c.Name)
		}
	}
	if node.Value != nil {
		d.Value = node.Value.Name
	}
	if node.Changed != nil {
		d.Changed = node.Changed.Name
	}
	if d.FirstTime, d.LastTime, err = s.extent(ctx, node); err != nil {
		return d, err
	}
	d.Cadence, err = s.cadence(ctx, node)
	return d, err
}

// extent is the time of the oldest and of the newest observation.
func (s *Service) extent(ctx context.Context, node *catalog.Node) (first, last *string, err error) {
	query := node.Read()
	var fields []contracts.Field
	for _, end := range []struct{ name, function string }{{"first", "minOrNull"}, {"last", "maxOrNull"}} {
		query.Columns = append(query.Columns, sql.Column{Expr: node.Time.Type.Wire(sql.Call(end.function, node.Time.Ref())), As: end.name})
		fields = append(fields, contracts.Field{Key: end.name, Type: node.Time.FieldType()})
	}
	records, err := s.Store.Query(ctx, query.Build())
	if err != nil {
		return nil, nil, err
	}
	rows, err := contracts.Rows[struct {
		First *string `json:"first"`
		Last  *string `json:"last"`
	}](contracts.NewFrame(fields, records, contracts.NoLimit))
	if err != nil {
		return nil, nil, err
	}
	return rows[0].First, rows[0].Last, nil
}
