package timeseries

import (
	"context"
	"strconv"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/store/sql"
)

// Cadence is how far apart the observations of a series are.
type Cadence struct {
	MostCommon    string  `json:"mostCommon" doc:"The most common time between two, written like frequency, such as 1d" example:"1d"`
	MostCommonSec float64 `json:"mostCommonSeconds" doc:"The same in seconds"`
	MedianSec     float64 `json:"medianSeconds" doc:"The median time between two, in seconds"`
	Gaps          int64   `json:"gaps" doc:"How many were looked at"`
	AsDeclared    *bool   `json:"asDeclared,omitempty" doc:"Whether the most common one is the declared frequency; absent when none is declared"`
}

// sampled bounds the observations that are looked at: a description must not cost what a
// scan costs, and the rhythm of a series shows in a few of its rows.
const sampled = 10_000

// cadence looks at observations that ClickHouse has side by side, in the order of its key.
// Those of a series in a block follow each other also in time, whichever the key begins with.
func (s *Service) cadence(ctx context.Context, node *catalog.Node) (*Cadence, error) {
	sample := node.Read()
	sample.Limit = sampled
	sample.Columns = []sql.Column{{Expr: node.Time.Ref(), As: node.Time.Name}}
	series := sql.Select{From: sample, Alias: catalog.Alias}
	for _, d := range node.Dimensions {
		sample.Columns = append(sample.Columns, sql.Column{Expr: d.Ref(), As: d.Name})
		series.GroupBy = append(series.GroupBy, d.Ref())
	}
	series.From = sample
	const gapColumn, countColumn = "gap", "count"
	times := sql.Call("groupArray", node.Time.Type.Ticks(node.Time.Ref()))
	series.Columns = []sql.Column{{
		Expr: sql.Call("arrayJoin", sql.Call("arrayDifference", sql.Call("arraySort", times))), As: gapColumn,
	}}
	rows, err := s.integerRows(ctx, sql.Select{
		Columns: []sql.Column{{Expr: ref(gapColumn), As: gapColumn}, {Expr: sql.Call("toInt64", sql.Call("count")), As: countColumn}},
		From:    series, Alias: catalog.Alias,
		// The first difference is 0, as between two observations at one time.
		Where:   []sql.Expr{sql.Compare{Left: ref(gapColumn), Operator: ">", Right: sql.Text("0")}},
		GroupBy: []sql.Expr{ref(gapColumn)},
		OrderBy: []sql.Order{{Expr: ref(gapColumn)}},
	})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	tick, _, _ := node.Time.Type.Reach()
	seconds := func(ticks int64) float64 { return float64(ticks) * tick.Seconds() }
	c := &Cadence{}
	for _, row := range rows {
		c.Gaps += row[1]
	}
	most, before, median := int64(0), int64(0), int64(-1)
	for _, row := range rows {
		if row[1] > most {
			most = row[1]
			c.MostCommon, c.MostCommonSec = spelled(row[0], tick), seconds(row[0])
		}
		if before += row[1]; median < 0 && 2*before >= c.Gaps {
			median = row[0]
		}
	}
	c.MedianSec = seconds(median)
	if node.Frequency != "" {
		same := c.MostCommon == spelledFrequency(node.Frequency)
		c.AsDeclared = &same
	}
	return c, nil
}

// spelled writes a number of ticks like a frequency. Months, quarters and years are of
// different lengths, and are taken for what they nearly are.
func spelled(ticks int64, tick time.Duration) string {
	unit := func(n int64, name string) string { return strconv.FormatInt(n, 10) + name }
	if days := ticks / max(1, int64(day/tick)); ticks%max(1, int64(day/tick)) == 0 {
		switch {
		case days >= 28 && days <= 31:
			return "1mo"
		case days >= 90 && days <= 92:
			return "1q"
		case days == 365 || days == 366:
			return "1y"
		case days%7 == 0:
			return unit(days/7, "w")
		}
		return unit(days, "d")
	}
	for _, u := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if n := int64(u.length / tick); n > 0 && ticks%n == 0 {
			return unit(ticks/n, u.name)
		}
	}
	return (time.Duration(ticks) * tick).String()
}

// spelledFrequency is a declared frequency as spelled would write it: 60m is 1h.
func spelledFrequency(frequency string) string {
	epoch := time.Unix(0, 0).UTC()
	next, err := shift(epoch, "+"+frequency, time.UTC)
	if err != nil {
		return frequency
	}
	return spelled(next.Sub(epoch).Milliseconds(), time.Millisecond)
}
