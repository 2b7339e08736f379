package routes

import (
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
)

// dataset is a published table or node in a document. Its operations are those of every
// table or node, under the same paths with its name in place of the parameter, so that the
// same handlers answer; what is more is that parameters and rows are described.
type dataset struct {
	*describer
	table   *catalog.Table
	node    *catalog.Node // nil of a table
	name    string        // in Go's manner: Sp500
	schemas struct{ row, frame, newRow string }
}

// catalog adds the operations of everything that is published.
func (d *describer) catalog(c *catalog.Catalog) {
	var all []*dataset
	for _, t := range c.Tables {
		all = append(all, &dataset{describer: d, table: t})
	}
	for _, n := range c.Nodes {
		all = append(all, &dataset{describer: d, table: &n.Table, node: n})
	}
	d.name(all)
	for _, s := range all {
		s.describe()
	}
}

// name gives each dataset a name of its own. It follows from the published name alone, as
// long as nothing else has the same; then from what sets the two apart, so that it does not
// depend on their order.
func (d *describer) name(all []*dataset) {
	named := map[string][]*dataset{}
	for _, s := range all {
		s.name = typeName(s.table.Name)
		named[s.name] = append(named[s.name], s)
	}
	for _, s := range all {
		same := named[s.name]
		if len(same) > 1 || !d.free(s.name) {
			section := "table"
			if s.node != nil {
				section = "node"
			}
			alone := !slices.ContainsFunc(same, func(other *dataset) bool { return other != s && (other.node == nil) == (s.node == nil) })
			// What is published as prices_table has that name before the table prices.
			if told := s.name + typeName(section); alone && len(named[told]) == 0 && d.free(told) {
				s.name = told
			} else {
				s.name += fmt.Sprintf("X%08x", crc32.ChecksumIEEE([]byte(section+"."+s.table.Name)))
			}
		}
		s.schemas.row, s.schemas.frame, s.schemas.newRow = s.name+rowSuffix, s.name+frameSuffix, s.name+inputSuffix
	}
}

// free tells whether nothing that is registered has a name that a dataset of this one gives.
func (d *describer) free(name string) bool {
	for _, suffix := range []string{rowSuffix, frameSuffix, inputSuffix} {
		if d.schemas[name+suffix] != nil {
			return false
		}
	}
	for _, verb := range []string{"read", "latest", "values", "write", "delete"} {
		if d.taken[verb+name] {
			return false
		}
	}
	return true
}

// typeName makes a name as Go and others write those of types: example_random_0.0 becomes
// ExampleRandom00.
func typeName(name string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:]) // published names are ASCII
	}
	return b.String()
}

// Ends of the names of a dataset's schemas: a row that is read, a frame, and a row that is to
// be written. None ends with another, so that no name and end are those of another dataset.
const rowSuffix, frameSuffix, inputSuffix = "Row", "Frame", "Input"

// titles of the documentation's groups.
const tableGroup, nodeGroup = "Published tables", "Published time series"

func (s *dataset) describe() {
	s.describeRows()
	if s.node != nil {
		s.operation("read", "/rows", "readNodeRows", s.title(), s.schemas.frame)
		last := ": the last observation"
		if len(s.node.Dimensions) > 0 {
			last += " of each series"
		}
		s.operation("latest", "/latest", "readNodeLatest", s.table.Label+last, s.schemas.frame)
		if len(s.node.Dimensions) > 0 {
			s.operation("values", "/values/{dimension}", "readNodeValues", s.table.Label+": distinct values of a dimension", frameSchema)
		}
		return
	}
	s.operation("read", "/rows", "readTableRows", s.title(), s.schemas.frame)
	s.operation("values", "/values/{column}", "readTableValues", s.table.Label+": distinct values of a column", frameSchema)
	if s.table.Write != nil {
		s.operation("write", "/rows", "writeTableRows", s.table.Label+": write rows", "")
		if s.table.Write.Mode == catalog.Upsert {
			s.operation("delete", "/rows", "deleteTableRows", s.table.Label+": delete rows", "")
		}
	}
}

// title is the label, and how often there is something new.
func (s *dataset) title() string {
	if s.node == nil || s.node.Frequency == "" {
		return s.table.Label
	}
	often := map[string]string{
		"1s": "every second", "1m": "every minute", "1h": "hourly", "1d": "daily", "1w": "weekly", "1mo": "monthly", "1q": "quarterly", "1y": "yearly",
	}[s.node.Frequency]
	if often == "" {
		often = "every " + s.node.Frequency
	}
	if strings.Contains(strings.ToLower(s.table.Label), often) {
		return s.table.Label
	}
	return s.table.Label + ", " + often
}

// operation adds one that generic describes for every table or node.
func (s *dataset) operation(verb, path, generic, summary, frame string) {
	of := s.generic[generic]
	section, parameter, group := "tables", "table", tableGroup
	if s.node != nil {
		section, parameter, group = "nodes", "node", nodeGroup
	}
	op := &huma.Operation{
		Method: of.Method, OperationID: verb + s.name, Summary: summary, Tags: []string{group},
		Description: s.description(of), Responses: map[string]*huma.Response{}, Metadata: of.Metadata,
	}
	for _, p := range of.Parameters {
		if p.Name == parameter && p.In == "path" {
			continue
		}
		if own := s.parameter(of, p); own != nil {
			op.Parameters = append(op.Parameters, own)
		}
	}
	if of.Metadata[filterOperation] != nil {
		op.Parameters = append(op.Parameters, s.filters(of)...)
	}
	for _, status := range statuses(of) {
		response := of.Responses[status]
		// The table is there, and can be written.
		if status == "404" || status == "405" {
			continue
		}
		r := *response
		if status == "200" && frame != "" {
			r.Description = "A frame of " + s.table.Label
			r.Content = s.frameContent(frame)
		}
		op.Responses[status] = s.parts.response(status, &r)
	}
	if frame != "" {
		op.Extensions = frameExtensions(nil)
	}
	if of.OperationID == "writeTableRows" {
		op.RequestBody = s.newRows(of.RequestBody)
	}
	s.add("/v1/"+section+"/"+s.table.Name+path, op)
}

// description is what the catalog says, and where more is said.
func (s *dataset) description(of *huma.Operation) string {
	parts := []string{}
	if s.table.Description != "" {
		parts = append(parts, s.table.Description)
	}
	if s.node != nil && of.Method == http.MethodGet {
		parts = append(parts, fmt.Sprintf("Time is `%s`.", s.node.Time.Name))
	}
	return strings.Join(append(parts, fmt.Sprintf("What the parameters mean, and others such as `int64` that change how cells are written, is said at `%s`.", of.OperationID)), " ")
}
