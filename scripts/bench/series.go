package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// seriesOfNode is how many series the rows of part e belong to.
const seriesOfNode = 100

// layouts are the two ways to sort observations.
var layouts = []struct{ table, key string }{
	{"by_time", "(time, id)"},
	{"by_series", "(id, time)"},
}

// createSeries makes a table for each layout, with an observation of each series a minute,
// and publishes it.
func (b *bench) createSeries(ctx context.Context) error {
	for _, l := range layouts {
		if err := b.server.publish(fmt.Sprintf("  %s: {table: bench.%s, time: time, dimensions: [id], value: close, frequency: 1m, max_rows: %d}\n", l.table, l.table, b.manyRows)); err != nil {
			return err
		}
		for _, statement := range []string{
			fmt.Sprintf("CREATE TABLE bench.%s (time DateTime64(3, 'UTC'), id LowCardinality(String), close Float64, volume UInt64) ENGINE = MergeTree ORDER BY %s", l.table, l.key),
			fmt.Sprintf(`INSERT INTO bench.%s SELECT toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC') + toIntervalMinute(intDiv(number, %d)),
				'ID' || leftPad(toString(number %% %d), 5, '0'), (10000 + cityHash64(number, 1) %% 50000) / 100, cityHash64(number, 3) %% 10000000
				FROM numbers(%d)`, l.table, seriesOfNode, seriesOfNode, b.manyRows),
			"OPTIMIZE TABLE bench." + l.table + " FINAL",
		} {
			if err := b.server.exec(ctx, statement); err != nil {
				return err
			}
		}
	}
	return b.server.restart(ctx)
}

// series reduces the observations of many series in ClickHouse, and compares with the same
// reduction as one who knows ClickHouse would write it. Both write a row a line. M4 of ours
// takes the earliest of equal extremes, theirs any.
func (b *bench) series(ctx context.Context) error {
	if err := b.createSeries(ctx); err != nil {
		return err
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	to := from.Add(time.Duration(b.manyRows/seriesOfNode) * time.Minute)
	span := fmt.Sprintf("from=%s&to=%s&format=ndjson&limit=%d&select=close", from.Format(time.RFC3339), to.Format(time.RFC3339), b.manyRows)
	where := fmt.Sprintf("WHERE time >= '%s' AND time < '%s'", from.Format(time.DateTime), to.Format(time.DateTime))
	const points = 1000
	width := (to.Sub(from).Milliseconds()-1)/(points/4) + 1

	type pair struct {
		name         string
		ours, theirs *contender
		wall         target
	}
	var pairs []pair
	add := func(name, path, query string, wall target) {
		pairs = append(pairs, pair{name, &contender{name: name, request: b.server.framehouse("/v1/nodes/" + path)},
			&contender{name: name + " of ClickHouse", request: b.server.clickHouse(query+" FORMAT JSONEachRow", nil)}, wall})
	}
	met := target{atMost: 1.1}
	for _, l := range layouts {
		m4 := fmt.Sprintf(`SELECT p.1 AS time, id, p.2 AS close FROM (SELECT id, arrayJoin(arrayDistinct([(min(time), argMin(close, time)), (max(time), argMax(close, time)),
			(argMin(time, close), min(close)), (argMax(time, close), max(close))])) AS p
			FROM bench.%s %s GROUP BY id, intDiv(toUnixTimestamp64Milli(time) - %d, %d)) ORDER BY time, id`, l.table, where, from.UnixMilli(), width)
		add("buckets, "+l.table, l.table+"/rows?interval=1h&agg=mean&"+span,
			fmt.Sprintf("SELECT toStartOfHour(time) AS t, id, avg(close) AS close FROM bench.%s %s GROUP BY t, id ORDER BY t, id", l.table, where), met)
		add("M4, "+l.table, fmt.Sprintf("%s/rows?points=%d&downsample=m4&%s", l.table, points, span), m4, met)
		add("auto, which is M4 here, "+l.table, fmt.Sprintf("%s/rows?points=%d&%s", l.table, points, span), m4, target{})
		add("LTTB, "+l.table, fmt.Sprintf("%s/rows?points=%d&downsample=lttb&%s", l.table, points, span),
			fmt.Sprintf("SELECT p.1 AS time, id, p.2 AS close FROM (SELECT id, arrayJoin(largestTriangleThreeBuckets(%d)(time, close)) AS p FROM bench.%s %s GROUP BY id) ORDER BY time, id", points, l.table, where), met)
		add("latest, "+l.table, l.table+"/latest?select=close&format=ndjson&at="+to.Format(time.RFC3339),
			fmt.Sprintf("SELECT max(time) AS t, id, argMax(close, time) AS close FROM bench.%s WHERE time <= '%s' GROUP BY id ORDER BY id", l.table, to.Format(time.DateTime)), met)
	}
	for _, p := range pairs {
		// A first time, which opens connections and warms caches.
		if _, err := fetch(ctx, p.ours.request, io.Discard); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if _, err := fetch(ctx, p.theirs.request, io.Discard); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for range b.repeats {
		for _, p := range pairs {
			// Answers differ in length: a mean has another last digit when its parts were added in
			// another order, and of equal extremes theirs is any.
			p.ours.answerBytes, p.theirs.answerBytes = 0, 0
			if err := errors.Join(b.sample(ctx, p.ours), b.sample(ctx, p.theirs)); err != nil {
				return err
			}
		}
	}
	for _, p := range pairs {
		name := fmt.Sprintf("e. %s rows of %d series, %s: ", thousands(b.manyRows), seriesOfNode, p.name)
		b.report.compare(name+"time", p.ours.wall, p.theirs.wall, milliseconds, p.wall)
		b.report.compare(name+"CPU of both", p.ours.total, p.theirs.total, milliseconds, target{})
	}
	return nil
}
