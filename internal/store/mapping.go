package store

import (
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// mapping says how a ClickHouse type appears in a frame: the contract's field type, the
// Arrow type that carries it exactly, how it is selected for that, and how a value of it
// is read from a request.
type mapping struct {
	field contracts.FieldType
	arrow arrow.Type
	// wire turns a column into what is selected; nil selects it as it is.
	wire func(t Type, column sql.Expr) sql.Expr
	// literal checks a value's text and returns it as ClickHouse reads it; nil means
	// that the type cannot be compared with a value from a request.
	literal func(t Type, text string) (string, error)
	// shy types appear in a field whose cells are text or JSON, and have a name that
	// a table widget would take for a numeric or temporal format.
	shy bool
}

// mappings is the one table of types. A type that is not listed is read as the JSON
// text that ClickHouse makes of it, which is right for every composite type.
var mappings = map[string]mapping{
	"Bool":        {field: contracts.TypeBoolean, arrow: arrow.BOOL, literal: literalBool},
	"Int8":        {field: contracts.TypeInteger, arrow: arrow.INT8, literal: literalInteger(8, true)},
	"Int16":       {field: contracts.TypeInteger, arrow: arrow.INT16, literal: literalInteger(16, true)},
	"Int32":       {field: contracts.TypeInteger, arrow: arrow.INT32, literal: literalInteger(32, true)},
	"Int64":       {field: contracts.TypeString, arrow: arrow.INT64, literal: literalInteger(64, true), shy: true},
	"Int128":      {field: contracts.TypeString, arrow: arrow.STRING, wire: wireText, literal: literalInteger(128, true), shy: true},
	"Int256":      {field: contracts.TypeString, arrow: arrow.STRING, wire: wireText, literal: literalInteger(256, true), shy: true},
	"UInt8":       {field: contracts.TypeInteger, arrow: arrow.UINT8, literal: literalInteger(8, false)},
	"UInt16":      {field: contracts.TypeInteger, arrow: arrow.UINT16, literal: literalInteger(16, false)},
	"UInt32":      {field: contracts.TypeInteger, arrow: arrow.UINT32, literal: literalInteger(32, false)},
	"UInt64":      {field: contracts.TypeString, arrow: arrow.UINT64, literal: literalInteger(64, false), shy: true},
	"UInt128":     {field: contracts.TypeString, arrow: arrow.STRING, wire: wireText, literal: literalInteger(128, false), shy: true},
	"UInt256":     {field: contracts.TypeString, arrow: arrow.STRING, wire: wireText, literal: literalInteger(256, false), shy: true},
	"Float32":     {field: contracts.TypeNumber, arrow: arrow.FLOAT32, literal: literalFloat(32)},
	"Float64":     {field: contracts.TypeNumber, arrow: arrow.FLOAT64, literal: literalFloat(64)},
	"BFloat16":    {field: contracts.TypeNumber, arrow: arrow.FLOAT32, wire: wireAs("Float32"), literal: literalFloat(32)},
	"Decimal":     {field: contracts.TypeNumber, arrow: arrow.DECIMAL128, literal: literalDecimal},
	"Decimal32":   {field: contracts.TypeNumber, arrow: arrow.DECIMAL128, literal: literalDecimal},
	"Decimal64":   {field: contracts.TypeNumber, arrow: arrow.DECIMAL128, literal: literalDecimal},
	"Decimal128":  {field: contracts.TypeNumber, arrow: arrow.DECIMAL128, literal: literalDecimal},
	"Decimal256":  {field: contracts.TypeNumber, arrow: arrow.DECIMAL256, literal: literalDecimal},
	"String":      {field: contracts.TypeString, arrow: arrow.STRING, literal: literalString},
	"FixedString": {field: contracts.TypeString, arrow: arrow.STRING, wire: wireText, literal: literalFixed},
	"UUID":        {field: contracts.TypeString, arrow: arrow.STRING, wire: wireText, literal: literalUUID},
	"IPv4":        {field: contracts.TypeString, arrow: arrow.STRING, wire: wireText, literal: literalIP(4)},
	"IPv6":        {field: contracts.TypeString, arrow: arrow.STRING, wire: wireText, literal: literalIP(6)},
	"Enum8":       {field: contracts.TypeString, arrow: arrow.STRING, wire: wireText, literal: literalEnum},
	"Enum16":      {field: contracts.TypeString, arrow: arrow.STRING, wire: wireText, literal: literalEnum},
	"Date":        {field: contracts.TypeDate, arrow: arrow.DATE32, literal: literalTime},
	"Date32":      {field: contracts.TypeDate, arrow: arrow.DATE32, literal: literalTime},
	"DateTime":    {field: contracts.TypeDateTime, arrow: arrow.TIMESTAMP, wire: wireDateTime, literal: literalTime},
	"DateTime64":  {field: contracts.TypeDateTime, arrow: arrow.TIMESTAMP, literal: literalTime},
	"Time":        {field: contracts.TypeTime, arrow: arrow.STRING, wire: wireText, shy: true}, // reaches beyond a day, which a time of day in Arrow must not
	"Time64":      {field: contracts.TypeString, arrow: arrow.STRING, wire: wireText, shy: true},
}

// composite is the mapping of every type that is not listed.
var composite = mapping{field: contracts.TypeJSON, arrow: arrow.STRING, wire: wireJSON, shy: true}

func (t Type) mapping() mapping {
	m, ok := mappings[t.Name]
	if !ok {
		return composite
	}
	if t.decimal() && !t.fitsDecimal128() {
		m.field, m.arrow, m.shy = contracts.TypeString, arrow.DECIMAL256, true
	}
	return m
}

// FieldType is the contract's type of a column of this type. Integers of 64 bits and
// more are strings, since a browser reads JSON numbers as doubles and would lose their
// digits, unless the catalog declares that they stay within ±(2^53-1).
func (t Type) FieldType() contracts.FieldType { return t.mapping().field }

// CarriedBy tells whether an Arrow column is what the type is expected to come as. One
// that is not has another type in ClickHouse by now.
func (t Type) CarriedBy(column arrow.DataType) bool {
	if d, ok := column.(*arrow.DictionaryType); ok {
		column = d.ValueType
	}
	want := t.mapping().arrow
	if timestamp, ok := column.(*arrow.TimestampType); ok && want == arrow.TIMESTAMP {
		// Units go in steps of three digits.
		return timestamp.Unit == arrow.TimeUnit((t.Precision()+2)/3)
	}
	return column.ID() == want || column.ID() == arrow.NULL && t.Nullable
}

// NativeType is what a field may show as its ClickHouse type; see contracts.Field.
func (t Type) NativeType() string {
	if t.mapping().shy {
		return ""
	}
	return t.text
}

// Wire is the expression that is selected for a column of this type.
func (t Type) Wire(column sql.Expr) sql.Expr {
	if wire := t.mapping().wire; wire != nil {
		return wire(t, column)
	}
	return column
}

// Comparable tells whether a value from a request can be compared with the type.
func (t Type) Comparable() bool { return t.mapping().literal != nil }

// Wide tells whether the type is an integer of 64 bits, which may be declared safe.
func (t Type) Wide() bool { return t.Name == "Int64" || t.Name == "UInt64" }

// MayBeNull tells whether a cell may be null: a float may, since NaN and infinities are
// written so, and some types hold a NULL without being called Nullable.
func (t Type) MayBeNull() bool {
	return t.Nullable || slices.Contains([]string{"Float32", "Float64", "BFloat16", "Dynamic", "Variant"}, t.Name)
}

func (t Type) decimal() bool { return strings.HasPrefix(t.Name, "Decimal") }

func (t Type) fitsDecimal128() bool {
	precision, _ := t.digits()
	return precision <= 38
}

func wireText(_ Type, column sql.Expr) sql.Expr { return sql.Call("toString", column) }

func wireJSON(_ Type, column sql.Expr) sql.Expr { return sql.Call("toJSONString", column) }

func wireAs(typ string) func(Type, sql.Expr) sql.Expr {
	return func(_ Type, column sql.Expr) sql.Expr { return sql.Call("to"+typ, column) }
}

// wireDateTime is needed because a DateTime would come as a bare number of seconds.
func wireDateTime(_ Type, column sql.Expr) sql.Expr {
	return sql.Call("toDateTime64", column, sql.Text("0"), sql.Text("'UTC'"))
}
