package routes

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

// body is the body of an operation for any table or node, with examples that work.
func (e *examples) body(op *huma.Operation) *huma.RequestBody {
	if e == nil || op.RequestBody == nil {
		return op.RequestBody
	}
	examples := map[string]any{}
	switch op.OperationID {
	case "queryTable":
		if e.table != nil {
			examples["application/json"] = e.tableQuery()
		}
	case "queryNode":
		if e.node != nil {
			examples["application/json"] = e.nodeQuery()
		}
	case "writeTableRows":
		if e.written != nil {
			examples = rowExamples(e.written)
		}
	}
	return withBodies(op.RequestBody, examples)
}

// withBodies is a body with examples, by media type.
func withBodies(body *huma.RequestBody, examples map[string]any) *huma.RequestBody {
	own := *body
	own.Content = map[string]*huma.MediaType{}
	for mediaType, content := range body.Content {
		c := *content
		c.Example = examples[mediaType]
		own.Content[mediaType] = &c
	}
	return &own
}

func (e *examples) tableQuery() any {
	query := map[string]any{"limit": 10}
	s := dataset{table: e.table}
	if c := s.exemplary(); c != nil {
		query["where"] = map[string]any{"column": c.Name, "op": "in", "value": []any{exampleOf(c)}}
		query["order"] = []any{map[string]any{"column": c.Name, "descending": true}}
	}
	return query
}

func (e *examples) nodeQuery() any {
	query := map[string]any{"interval": exampleInterval(e.node), "agg": []string{"last"}}
	if len(e.node.Dimensions) > 0 {
		d := e.node.Dimensions[0]
		if value := exampleOf(d); value != nil {
			query["ranges"] = []any{map[string]any{"series": map[string]any{d.Name: value}, "from": "2005-01-01", "to": "2005-12-31"}}
		}
	}
	return query
}

// rowExamples are bodies with a row that a table takes, by media type: the columns that a row
// must give, and those that the catalog has an example for.
func rowExamples(t *catalog.Table) map[string]any {
	row := map[string]any{}
	var names, cells []string
	for _, c := range t.Write.Columns {
		value := exampleOf(c.Column)
		if value == nil && c.Required(t.Key) {
			if value = someValue(c.Column); value == nil {
				return nil
			}
		}
		if value != nil {
			row[c.Name] = value
			names, cells = append(names, c.Name), append(cells, cell(value))
		}
	}
	line, err := json.Marshal(row)
	if err != nil {
		return nil // an example that is no JSON, of which there is none to be shown
	}
	var table strings.Builder
	w := csv.NewWriter(&table)
	_ = w.WriteAll([][]string{names, cells}) // a builder takes everything
	return map[string]any{"application/json": []any{row}, "application/x-ndjson": string(line) + "\n", "text/csv": table.String()}
}

// cell is a value as CSV has it.
func cell(value any) string {
	if raw, ok := value.(json.RawMessage); ok {
		return string(raw)
	}
	return fmt.Sprint(value)
}

// someValue is a value of a column's type, of which the catalog gives no example; nil when
// it is not worth saying what one looks like.
func someValue(c *catalog.Column) any {
	switch field := c.FieldType(); {
	case field == contracts.TypeBoolean:
		return true
	case field == contracts.TypeString && (c.Type.Bits() > 32 || c.Type.Decimal()):
		return "1" // all its digits would be kept
	case field == contracts.TypeInteger, field == contracts.TypeNumber:
		return json.Number("1")
	case field == contracts.TypeDate:
		return "2026-03-22"
	case field == contracts.TypeDateTime:
		return "2026-03-22T12:00:00Z"
	case c.Type.Name == "Array", c.Type.Name == "Nested":
		return json.RawMessage("[]")
	case c.Type.Name == "Map", c.Type.Name == "JSON":
		return json.RawMessage("{}")
	case field == contracts.TypeJSON:
		return nil
	case field == contracts.TypeTime, c.Type.Name == "Time64":
		return "12:00:00"
	case c.Type.Name == "UUID":
		return "0f8fad5b-d9cb-469f-a165-70867728950e"
	case c.Type.Name == "IPv4":
		return "192.0.2.1"
	case c.Type.Name == "IPv6":
		return "2001:db8::1"
	case c.Type.EnumNames() != nil:
		return c.Type.EnumNames()[0]
	}
	return "x"
}
