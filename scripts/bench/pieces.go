package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// seen is how long after a change past framehouse nothing older is given out, and a bit.
const seen = 1100 * time.Millisecond

// dividedLayouts are the ways in which the rows of part g are kept.
var dividedLayouts = []struct{ table, how string }{
	{"pieces_by_time", "ORDER BY (time, id)"},
	{"pieces_by_series", "ORDER BY (id, time)"},
	{"pieces_by_week", "PARTITION BY toMonday(time) ORDER BY (id, time)"},
}

// pieces asks for means of hours over a long range, to which an observation of each series is
// added before each request: with what is kept of earlier answers, and without. The other side
// is the same in SQL, on ClickHouse's default settings. All write a row a line.
func (b *bench) pieces(ctx context.Context) error {
	b.server.cache = "256MB"
	observations := func(from, count int) string {
		return fmt.Sprintf(`SELECT toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC') + toIntervalMinute(intDiv(number, %d)),
			'ID' || leftPad(toString(number %% %d), 5, '0'), (10000 + cityHash64(number, 1) %% 50000) / 100 FROM numbers(%d, %d)`, seriesOfNode, seriesOfNode, from, count)
	}
	for _, l := range dividedLayouts {
		node := fmt.Sprintf("  %s: {table: bench.%s, time: time, dimensions: [id], value: close, max_rows: %d}\n", l.table, l.table, b.manyRows)
		if err := errors.Join(
			b.server.exec(ctx, fmt.Sprintf("CREATE TABLE bench.%s (time DateTime64(3, 'UTC'), id LowCardinality(String), close Float64) ENGINE = MergeTree %s", l.table, l.how)),
			b.server.exec(ctx, "INSERT INTO bench."+l.table+" "+observations(0, b.manyRows)),
			b.server.exec(ctx, "OPTIMIZE TABLE bench."+l.table+" FINAL"),
			b.server.publish(node),
		); err != nil {
			return err
		}
	}
	if err := b.server.restart(ctx); err != nil {
		return err
	}
	type contenders struct{ kept, whole, theirs *contender }
	var all []contenders
	for _, l := range dividedLayouts {
		kept := b.server.framehouse("/v1/nodes/" + l.table + "/rows?interval=1h&agg=mean&from=2026-01-01&format=ndjson&limit=200000")
		whole := func(ctx context.Context) (*http.Request, error) {
			r, err := kept(ctx)
			if err == nil {
				r.Header.Set("Cache-Control", "no-cache")
			}
			return r, err
		}
		theirs := fmt.Sprintf("SELECT toStartOfHour(time) AS t, id, avg(close) AS close FROM bench.%s WHERE time >= '2026-01-01 00:00:00' GROUP BY t, id ORDER BY t, id FORMAT JSONEachRow", l.table)
		all = append(all, contenders{&contender{name: l.table, request: kept}, &contender{name: l.table + ", as a whole", request: whole},
			&contender{name: l.table + " of ClickHouse", request: b.server.clickHouse(theirs, nil)}})
	}
	for round := range b.repeats + 1 {
		for i, l := range dividedLayouts {
			if err := b.server.exec(ctx, "INSERT INTO bench."+l.table+" "+observations(b.manyRows+round*seriesOfNode, seriesOfNode)); err != nil {
				return err
			}
			time.Sleep(seen)
			if round == 0 {
				for _, c := range []*contender{all[i].theirs, all[i].whole} {
					if _, err := fetch(ctx, c.request, io.Discard); err != nil {
						return err
					}
				}
				first, err := fetch(ctx, all[i].kept.request, io.Discard)
				if err != nil {
					return err
				}
				b.report.alone("g. "+l.table+": the first time", seconds(first.took), milliseconds, target{})
				continue
			}
			for _, c := range []*contender{all[i].kept, all[i].theirs, all[i].whole} {
				c.answerBytes = 0
				if err := b.sample(ctx, c); err != nil {
					return err
				}
			}
		}
	}
	for i, l := range dividedLayouts {
		name := fmt.Sprintf("g. %s rows of %d series and some more, %s: ", thousands(b.manyRows), seriesOfNode, l.table)
		b.report.compare(name+"time", all[i].kept.wall, all[i].theirs.wall, milliseconds, target{})
		b.report.compare(name+"CPU of both", all[i].kept.total, all[i].theirs.total, milliseconds, target{})
		b.report.compare(name+"as a whole, time", all[i].whole.wall, all[i].theirs.wall, milliseconds, target{})
	}
	return nil
}
