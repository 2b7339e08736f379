package sql

// Insert is an INSERT statement. What it inserts is From, or data that is sent along.
type Insert struct {
	Into    Table
	Columns []string
	From    *Select
}

// Build returns the statement.
func (i Insert) Build() Statement {
	var b builder
	b.text("INSERT INTO ")
	i.Into.writeSource(&b)
	b.text(" (")
	for n, name := range i.Columns {
		b.comma(n)
		b.identifier(name)
	}
	b.text(")")
	if i.From != nil {
		b.text(" ")
		i.From.write(&b)
	}
	return Statement{Text: b.out.String(), Params: b.params}
}

// Delete is a DELETE statement. Alias is what Where calls the table; DELETE knows no
// aliases, so its columns are written by their names alone, which here can mean nothing
// else.
type Delete struct {
	From  Table
	Alias string
	Where []Expr // joined by AND
}

// Build returns the statement.
func (d Delete) Build() Statement {
	b := builder{bare: d.Alias}
	b.text("DELETE FROM ")
	d.From.writeSource(&b)
	b.list(" WHERE ", " AND ", d.Where)
	return Statement{Text: b.out.String(), Params: b.params}
}

// External is a table that is sent along with a statement.
type External struct{ Name string }

func (e External) writeSource(b *builder) { b.identifier(e.Name) }
