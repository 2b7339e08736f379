package sql

// Explain asks ClickHouse what it would do for a query; its kind is part of the program.
type Explain struct {
	Kind  string // such as ESTIMATE
	Query Select
}

// Statement is the built statement.
func (e Explain) Statement() Statement {
	s := e.Query.Build()
	s.Text = "EXPLAIN " + e.Kind + " " + s.Text
	return s
}
