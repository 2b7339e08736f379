package catalog

import (
	"context"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"framehouse/internal/contracts"
)

// TableDescription is what is told of a published table.
type TableDescription struct {
	Name        string                `json:"name" doc:"Published name"`
	Label       string                `json:"label"`
	Description string                `json:"description,omitempty"`
	Columns     []ColumnDescription   `json:"columns"`
	Key         []string              `json:"key" doc:"Columns that identify a row"`
	Order       []string              `json:"order" doc:"Default order, descending columns with a leading minus"`
	Unique      bool                  `json:"unique" doc:"Whether no two rows have the same key"`
	MaxRows     int64                 `json:"maxRows" doc:"The largest limit"`
	Export      bool                  `json:"export" doc:"Whether limit=all is allowed"`
	Rows        *int64                `json:"rows,omitempty" doc:"Rows that ClickHouse stores, of which some may be replaced or deleted where a later row stands for earlier ones; absent when it keeps no count"`
	UpdatedAt   *time.Time            `json:"updatedAt,omitempty" doc:"When the data last changed; absent when unknown"`
	Relations   []RelationDescription `json:"relations" doc:"Tables that this one refers to, and those that refer to it"`
	Write       *WriteDescription     `json:"write,omitempty" doc:"How rows are written; absent when the table is only read"`
}

// ColumnDescription is what is told of a published column.
type ColumnDescription struct {
	Name        string              `json:"name"`
	Label       string              `json:"label"`
	Description string              `json:"description,omitempty"`
	Unit        string              `json:"unit,omitempty"`
	Type        contracts.FieldType `json:"type" enum:"string,number,integer,boolean,datetime,date,time,json" doc:"How cells are written"`
	NativeType  string              `json:"nativeType" doc:"ClickHouse type"`
	Nullable    bool                `json:"nullable" doc:"Whether a cell may be null"`
	Key         bool                `json:"key" doc:"Whether the column is part of the key"`
	Operators   []string            `json:"operators" doc:"What a filter on the column can ask; eq is written column=value"`
	Values      []string            `json:"values,omitempty" doc:"All values that there can be; absent when the catalog does not list them"`
	Sortable    bool                `json:"sortable" doc:"Whether rows can be ordered and grouped by the column, and its values listed"`
}

// Describe describes the table, with its size as it is now.
func (t *Table) Describe(ctx context.Context, sizes *Sizes) (TableDescription, error) {
	d := TableDescription{
		Name: t.Name, Label: t.Label, Description: t.Description,
		Key: append([]string{}, t.Key...), Order: []string{}, MaxRows: t.MaxRows, Export: t.Export,
		Unique: t.Unique, Relations: t.describeRelations(), Write: t.Write.describe(t.Key),
	}
	for _, o := range t.Order {
		d.Order = append(d.Order, o.String())
	}
	for _, c := range t.Columns {
		operators := []string{}
		for _, o := range Operators(c.Type) {
			operators = append(operators, string(o))
		}
		f := c.Field()
		d.Columns = append(d.Columns, ColumnDescription{
			Name: c.Name, Label: c.Label, Description: c.Description, Unit: c.Unit,
			Type: f.Type, NativeType: c.Type.String(), Nullable: f.Nullable,
			Key: slices.Contains(t.Key, c.Name), Operators: operators, Values: c.Values, Sortable: c.Type.Comparable(),
		})
	}
	size, ok, err := sizes.Of(ctx, t)
	if err != nil {
		return d, err
	}
	if ok {
		d.Rows, d.UpdatedAt = &size.Rows, &size.UpdatedAt
	}
	return d, nil
}

// listing is the shape of the frames that list what is published.
var listing = []contracts.Field{
	{Key: "name", Label: "Name", Type: contracts.TypeString, Description: "Published name, as it stands in a path", Provenance: "backend"},
	{Key: "label", Label: "Label", Type: contracts.TypeString, Provenance: "backend"},
	{Key: "description", Label: "Description", Type: contracts.TypeString, Nullable: true, Provenance: "backend"},
	{Key: "rows", Label: "Rows", Type: contracts.TypeInteger, Nullable: true, Description: "Null when ClickHouse keeps no count", Provenance: "backend"},
	{Key: "updated", Label: "Updated", Type: contracts.TypeDateTime, Nullable: true, Description: "When the data last changed, in UTC", Provenance: "backend"},
	{Key: "columns", Label: "Columns", Type: contracts.TypeInteger, Description: "Number of columns", Provenance: "backend"},
}

// List is a frame with a row for each of the tables. id and label name the list.
func List(ctx context.Context, id, label string, tables []*Table, sizes *Sizes) (*contracts.Frame, error) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "name", Type: arrow.BinaryTypes.String},
		{Name: "label", Type: arrow.BinaryTypes.String},
		{Name: "description", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "rows", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "updated", Type: arrow.FixedWidthTypes.Timestamp_ms, Nullable: true},
		{Name: "columns", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, t := range tables {
		size, ok, err := sizes.Of(ctx, t)
		if err != nil {
			return nil, err
		}
		b.Field(0).(*array.StringBuilder).Append(t.Name)
		b.Field(1).(*array.StringBuilder).Append(t.Label)
		if description := b.Field(2).(*array.StringBuilder); t.Description == "" {
			description.AppendNull()
		} else {
			description.Append(t.Description)
		}
		rows, updated := b.Field(3).(*array.Int64Builder), b.Field(4).(*array.TimestampBuilder)
		if ok {
			rows.Append(size.Rows)
			updated.Append(arrow.Timestamp(size.UpdatedAt.UnixMilli()))
		} else {
			rows.AppendNull()
			updated.AppendNull()
		}
		b.Field(5).(*array.Int64Builder).Append(int64(len(t.Columns)))
	}
	f := contracts.NewFrame(listing, contracts.OneRecord(b.NewRecord()), contracts.NoLimit)
	f.Meta.Tabular.PrimaryKeyFields = []string{"name"}
	f.Source = contracts.Source{Kind: "clickhouse", ID: id, Label: label}
	return f, nil
}
