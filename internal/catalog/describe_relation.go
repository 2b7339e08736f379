package catalog

// RelationDescription is what is told of a relation between published tables.
type RelationDescription struct {
	Name    string   `json:"name" doc:"Name that conditions and selected columns begin with, as in customer.region"`
	Table   string   `json:"table" doc:"Published name of the table that it leads to"`
	Kind    string   `json:"kind" enum:"one,many" doc:"one: a row refers to at most one row there, whose columns can be selected, grouped by and filtered on. many: a filter can ask whether there is such a row"`
	Columns []string `json:"columns" doc:"Columns of this table that hold the reference"`
	Matches []string `json:"matches" doc:"Columns there that they match, in the same order"`
}

// describeRelations are the relations of the table.
func (t *Table) describeRelations() []RelationDescription {
	described := []RelationDescription{}
	for _, r := range t.Relations {
		d := RelationDescription{Name: r.Name, Table: r.Table.Name, Kind: "one"}
		if r.Many {
			d.Kind = "many"
		}
		for i := range r.From {
			d.Columns, d.Matches = append(d.Columns, r.From[i].Name), append(d.Matches, r.To[i].Name)
		}
		described = append(described, d)
	}
	return described
}
