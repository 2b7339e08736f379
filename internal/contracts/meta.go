package contracts

import "time"

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
	PrimaryKeyFields []string `json:"primaryKeyFields,omitempty" doc:"Columns that identify a row"`
	OrderedBy        []string `json:"orderedBy,omitempty" doc:"Columns that the rows are ordered by, descending ones with a leading minus"`
}

// Range is the resolved time range: what was asked for, spelled out.
type Range struct {
	From      *time.Time `json:"from,omitempty" doc:"Start of the range; absent when open"`
	To        *time.Time `json:"to,omitempty" doc:"End of the range; absent when open"`
	Inclusive string     `json:"inclusive" enum:"left,right,both,neither" doc:"Which ends belong to the range"`
	Timezone  string     `json:"timezone" doc:"The time zone that bare dates were read in"`
}

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
	ValueField        string            `json:"valueField,omitempty"`
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
