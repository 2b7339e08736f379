package routes

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

// describeRows describes a row of the dataset, and a frame of such rows. Of a row each
// property may be missing, since select leaves columns out, and there may be others, since
// related tables, groups and bars have columns of their own.
func (s *dataset) describeRows() {
	row := &huma.Schema{Type: huma.TypeObject, Description: "A row of " + s.table.Label, Properties: map[string]*huma.Schema{}}
	var given []string
	for _, c := range s.table.Columns {
		if sayable(c.Name) {
			row.Properties[c.Name] = goNamed(s.property(c), c.Name, &given)
		}
	}
	s.describer.schemas[s.schemas.row] = row
	frame := *s.describer.schemas[frameSchema]
	frame.Description = "A frame of " + s.table.Label
	frame.Properties = maps.Clone(frame.Properties)
	rows := *frame.Properties["rows"]
	rows.Items = schemaRef(s.schemas.row)
	frame.Properties["rows"] = &rows
	s.describer.schemas[s.schemas.frame] = &frame
}

func schemaRef(name string) *huma.Schema { return &huma.Schema{Ref: "#/components/schemas/" + name} }

// property describes the cells of a column. Whatever the documented parameters of the
// dataset's operations do, cells are such: buckets of whole numbers may have means that are
// none, and values of a node may be missing.
func (s *dataset) property(c *catalog.Column) *huma.Schema {
	field := c.Field()
	p := cellSchema(c, field.Type)
	nullable := field.Nullable
	if s.node != nil && c != s.node.Time && !slices.Contains(s.node.Dimensions, c) {
		nullable = true
		if field.Type == contracts.TypeInteger {
			p = &huma.Schema{Type: huma.TypeNumber, Format: "double"}
		}
	}
	if nullable && field.Type != contracts.TypeJSON {
		p = &huma.Schema{AnyOf: []*huma.Schema{p, {Type: "null"}}}
	}
	p.Title, p.Description = c.Label, field.Description
	return p
}

// cellSchema describes a cell that is not null.
func cellSchema(c *catalog.Column, field contracts.FieldType) *huma.Schema {
	text := func(format string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Format: format} }
	switch field {
	case contracts.TypeBoolean:
		return &huma.Schema{Type: huma.TypeBoolean}
	case contracts.TypeInteger:
		if c.Type.Bits() < 32 || c.Type.Name == "Int32" {
			return &huma.Schema{Type: huma.TypeInteger, Format: "int32"}
		}
		return &huma.Schema{Type: huma.TypeInteger, Format: "int64"}
	case contracts.TypeNumber:
		if c.Type.Decimal() {
			// In Go a number that keeps its digits.
			return &huma.Schema{Type: huma.TypeNumber, Extensions: map[string]any{"x-go-type": "json.Number"}}
		}
		return &huma.Schema{Type: huma.TypeNumber, Format: "double"}
	case contracts.TypeDateTime:
		return text("date-time")
	case contracts.TypeDate:
		return text("date")
	case contracts.TypeJSON:
		return &huma.Schema{}
	}
	switch {
	case c.Type.EnumNames() != nil:
		return &huma.Schema{Type: huma.TypeString, Enum: choices(c.Type.EnumNames())}
	case c.Type.Name == "UUID":
		return text("uuid")
	case c.Type.Name == "IPv4", c.Type.Name == "IPv6":
		return text(map[string]string{"IPv4": "ipv4", "IPv6": "ipv6"}[c.Type.Name])
	case c.Type.Wide():
		return text("int64")
	}
	return text("")
}

// sayable tells whether a document may have a name or a choice. Generators refuse a whole
// document for one that would end a literal of theirs: a column of such a name is there, and
// can be asked and selected, but is not described.
func sayable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r == '"' || r == '`' || unicode.IsControl(r) })
}

// choices are all values that there can be, or none where they cannot all be said.
func choices(values []string) []any {
	if slices.ContainsFunc(values, func(value string) bool { return !sayable(value) }) {
		return nil
	}
	return anys(values)
}

func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}

// goNamed tells generators of Go code how to call a property or parameter whose name they
// would give to another one too, or to none. given are the names so far.
func goNamed(p *huma.Schema, name string, given *[]string) *huma.Schema {
	if own := goName(name, given); own != "" {
		p.Extensions = maps.Clone(p.Extensions)
		if p.Extensions == nil {
			p.Extensions = map[string]any{}
		}
		p.Extensions["x-go-name"] = own
	}
	return p
}

// goName is a name for Go where the one that follows from name is taken, or is none.
func goName(name string, given *[]string) string {
	made := goIdentifier(name)
	own := made
	for n := 2; own == "" || own == "AdditionalProperties" || slices.Contains(*given, own); n++ {
		own = made
		if own == "" {
			own = "Column"
		}
		own += "_" + string(rune('0'+n/10)) + string(rune('0'+n%10))
	}
	*given = append(*given, own)
	if own == made {
		return ""
	}
	return own
}

// goIdentifier is the name that generators make of one: parts begin with capital letters,
// and what is neither letter nor digit only parts them.
func goIdentifier(name string) string {
	var made []rune
	begin := true
	for _, r := range name {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			begin = true
			continue
		}
		if begin {
			r = unicode.ToUpper(r)
		}
		made, begin = append(made, r), false
	}
	return string(made)
}

// frameContent is a frame of a schema in each format.
func (d *describer) frameContent(schema string) map[string]*huma.MediaType {
	content := map[string]*huma.MediaType{}
	for _, f := range contracts.Formats() {
		body := &huma.Schema{Type: huma.TypeString, Format: "binary"}
		switch {
		case f.Name == "json":
			body = schemaRef(schema)
		case f.Text:
			body = &huma.Schema{Type: huma.TypeString}
		}
		content[f.MediaType] = &huma.MediaType{Schema: body}
	}
	return content
}

// newRows describes the rows that a table takes.
func (s *dataset) newRows(of *huma.RequestBody) *huma.RequestBody {
	row := &huma.Schema{
		Type: huma.TypeObject, Description: "A row of " + s.table.Label + " to be written", AdditionalProperties: false, Properties: map[string]*huma.Schema{},
	}
	var given []string
	for _, w := range s.table.Write.Columns {
		if !sayable(w.Name) {
			row.AdditionalProperties = nil
			continue
		}
		p := cellSchema(w.Column, w.FieldType())
		if w.Type.Nullable && w.FieldType() != contracts.TypeJSON {
			p = &huma.Schema{AnyOf: []*huma.Schema{p, {Type: "null"}}}
		}
		p.Title, p.Description = w.Label, w.Field().Description
		row.Properties[w.Name] = goNamed(p, w.Name, &given)
		if w.Required(s.table.Key) {
			row.Required = append(row.Required, w.Name)
		}
	}
	s.describer.schemas[s.schemas.newRow] = row
	body := *of
	body.Content = maps.Clone(of.Content)
	body.Content["application/json"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeArray, Items: schemaRef(s.schemas.newRow)}}
	return withBodies(&body, rowExamples(s.table))
}
