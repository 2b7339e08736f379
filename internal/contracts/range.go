package contracts

import "time"

// Range is the resolved time range, and what was made of the observations in it: what was
// asked for, spelled out.
type Range struct {
	From      *time.Time `json:"from,omitempty" doc:"Start of the range; absent when open"`
	To        *time.Time `json:"to,omitempty" doc:"End of the range; absent when open"`
	Inclusive string     `json:"inclusive" enum:"left,right,both,neither" doc:"Which ends belong to the range, as it is spelled out here"`
	Timezone  string     `json:"timezone" doc:"The time zone whose days and clock dates, spans of days and buckets go by"`

	Rounded *Rounded `json:"rounded,omitempty" doc:"How far ends of the range were moved, so that requests one after the other ask for the same; absent when they were not"`

	Interval           string            `json:"interval,omitempty" doc:"Length of a bucket; absent when rows are not put together"`
	Origin             *time.Time        `json:"origin,omitempty" doc:"An instant at which a bucket begins; absent when buckets begin as the calendar has it"`
	Label              string            `json:"label,omitempty" enum:"left,right" doc:"Whether the time of a bucket is its start or its end"`
	Aggregation        map[string]string `json:"aggregation,omitempty" doc:"How each value column was made, as column:function"`
	Fill               string            `json:"fill,omitempty" doc:"What stands in buckets without an observation; absent when they are left out"`
	Lookback           *time.Time        `json:"lookback,omitempty" doc:"How far before the range a value for its first buckets was looked for"`
	PartialFirstBucket bool              `json:"partialFirstBucket,omitempty" doc:"Whether the range, or that of a series, starts within its first bucket, so that what lies before is not counted"`
	PartialLastBucket  bool              `json:"partialLastBucket,omitempty" doc:"Whether the range, or that of a series, ends within its last bucket, or that bucket has not ended yet. One whose end is open ends with the bucket of now, even if there is no observation in it"`

	// Downsample is what was done to have no more than so many points.
	Downsample *Downsample `json:"downsample,omitempty" doc:"How the points of each series were reduced; absent when they were not"`
}

// Rounded says to multiples of what the ends of a range were moved.
type Rounded struct {
	From string `json:"from,omitempty" doc:"Of the start"`
	To   string `json:"to,omitempty" doc:"Of the end"`
	By   string `json:"by" enum:"column,tolerance" doc:"column where the time column cannot tell the difference, so that no row comes in or drops out; tolerance where the catalog allows more"`
}

// Downsample says how the points of each series were reduced.
type Downsample struct {
	Method string `json:"method" enum:"raw,m4,lttb,mean" doc:"What was used; raw when all rows are there, and mean for buckets, of which interval and aggregation tell"`
	Points int64  `json:"points" doc:"About how many points a series may have"`
	Column string `json:"column,omitempty" doc:"The value column that decided which points are kept"`
	// RowsBefore is known when they were counted to choose the method.
	RowsBefore int64 `json:"rowsBefore,omitempty" doc:"How many rows there were; absent when nobody counted"`
}
