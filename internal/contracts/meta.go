package contracts

// Meta is what a reader should know of a frame besides its rows.
type Meta struct {
	Tabular    Tabular     `json:"tabular"`
	Range      *Range      `json:"range,omitempty"`
	TimeSeries *TimeSeries `json:"timeSeries,omitempty"`
}

// Tabular says how the rows were chosen.
type Tabular struct {
	RowCount         int64    `json:"rowCount" doc:"Rows in this answer"`
	Limit            int64    `json:"limit,omitempty" doc:"The most rows this answer could have"`
	Truncated        bool     `json:"truncated" doc:"Whether there were more rows than the limit; a node's answer then holds the newest"`
	NextCursor       string   `json:"nextCursor,omitempty" doc:"Where the next page of a table begins, for the parameter cursor; absent after the last row, and where the rows have no order"`
	TotalRows        *int64   `json:"totalRows,omitempty" doc:"Rows that the filter matches, on all pages; there when count asked for it"`
	TotalRowsKind    string   `json:"totalRowsKind,omitempty" enum:"exact,estimate" doc:"Whether totalRows was counted or is an estimate, which mostly lies above the count"`
	TailCursor       string   `json:"tailCursor,omitempty" doc:"How far a node's answer reaches, for the parameter since: the next answer then has what came or changed since, and some of this again"`
	PrimaryKeyFields []string `json:"primaryKeyFields,omitempty" doc:"Columns that identify a row"`
	OrderedBy        []string `json:"orderedBy,omitempty" doc:"Columns that the rows are ordered by, descending ones with a leading minus; nulls come last unless .nullsfirst follows"`
}

// The kinds of a total.
const (
	TotalExact    = "exact"
	TotalEstimate = "estimate"
)

// The constants that the contract prescribes, whatever a cell looks like.
const (
	timeUnit     = "ms"
	timeTimezone = "UTC"
)

// TimeSeries is the contract's description of a frame that is a time series.
type TimeSeries struct {
	Shape             string            `json:"shape" enum:"long,wide"`
	TimeField         string            `json:"timeField"`
	TimeUnit          string            `json:"timeUnit" enum:"ms" doc:"A constant of the contract; cells are ISO 8601"`
	Timezone          string            `json:"timezone" enum:"UTC"`
	Sorted            bool              `json:"sorted" doc:"Ascending by time, then by series"`
	ValueField        string            `json:"valueField,omitempty" doc:"The main value column of a long frame"`
	ValueFields       []string          `json:"valueFields,omitempty" doc:"The columns of a wide frame, one for each series"`
	SeriesField       string            `json:"seriesField,omitempty"`
	SeriesLabelFields []string          `json:"seriesLabelFields,omitempty"`
	Frequency         string            `json:"frequency,omitempty"`
	GapPolicy         string            `json:"gapPolicy,omitempty" enum:"preserve_nulls,drop_nulls"`
	DuplicatePolicy   string            `json:"duplicatePolicy,omitempty" enum:"error,first,latest,aggregate,preserve"`
	UnitByField       map[string]string `json:"unitByField,omitempty"`
}

// LongSeries describes a frame with one row for each instant and series. valueField
// is the main one of its value columns.
func LongSeries(timeField, valueField string, seriesFields []string) *TimeSeries {
	t := &TimeSeries{
		Shape: "long", TimeField: timeField, TimeUnit: timeUnit, Timezone: timeTimezone,
		ValueField: valueField, GapPolicy: "preserve_nulls", DuplicatePolicy: "preserve",
	}
	if len(seriesFields) > 0 {
		t.SeriesField, t.SeriesLabelFields = seriesFields[0], seriesFields
	}
	return t
}

// WideSeries describes a frame with one row for each instant and one column for each series.
func WideSeries(timeField string, valueFields []string) *TimeSeries {
	return &TimeSeries{
		Shape: "wide", TimeField: timeField, TimeUnit: timeUnit, Timezone: timeTimezone,
		ValueFields: valueFields, GapPolicy: "preserve_nulls", DuplicatePolicy: "aggregate",
	}
}
