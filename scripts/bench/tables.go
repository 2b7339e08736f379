package main

import (
	"context"
	"fmt"
	"slices"
)

// The rows are observations in minutes of many series, sorted by series and time. A
// series is as long as a small request, which is thus answered by the primary key.
const (
	seriesLength = 1600
	columns      = "time, unique_identifier, open, close, volume"
	ordering     = "unique_identifier, time"
	definition   = "(time DateTime64(3, 'UTC'), unique_identifier LowCardinality(String), open Float64, close Float64, volume UInt64)"
)

// Two decimals, as prices have.
const priceValues = "(10000 + cityHash64(number, 1) % 50000) / 100, (10000 + cityHash64(number, 2) % 50000) / 100"

// Any digits: a quotient of a number of 53 random bits.
const randomValues = "bitShiftRight(cityHash64(number, 1), 11) / 9007199254740992, bitShiftRight(cityHash64(number, 2), 11) / 9007199254740992"

// catalog publishes the tables. volume is declared safe so that JSON has numbers, as
// ClickHouse's own has.
func (b *bench) catalog() string {
	return fmt.Sprintf(`tables:
  prices: {table: bench.prices, max_rows: %[1]d, columns: {volume: {safe_integer: true}}}
  prices_many: {table: bench.prices_many, max_rows: %[2]d, export: true, columns: {volume: {safe_integer: true}}}
nodes:
  series: {table: bench.prices, time: time, dimensions: [unique_identifier], max_rows: %[1]d, columns: {volume: {safe_integer: true}}}
`, b.rows, b.manyRows)
}

// createTables makes the tables that the chosen parts need, and lets framehouse see them.
func (b *bench) createTables(ctx context.Context, chosen []part) error {
	needed := func(names ...string) bool {
		return slices.ContainsFunc(chosen, func(p part) bool { return slices.Contains(names, p.name) })
	}
	if err := b.server.exec(ctx, "CREATE DATABASE bench"); err != nil {
		return err
	}
	for _, t := range []struct {
		name, engine, values string
		rows                 int
		needed               bool
	}{
		{"prices", "MergeTree ORDER BY (unique_identifier, time)", priceValues, b.rows, true},
		{"prices_many", "MergeTree ORDER BY (unique_identifier, time)", priceValues, b.manyRows, needed("d")},
		{"random", "MergeTree ORDER BY (unique_identifier, time)", randomValues, b.rows, needed("a")},
	} {
		if !t.needed {
			continue
		}
		if err := b.server.exec(ctx, fmt.Sprintf("CREATE TABLE bench.%s %s ENGINE = %s", t.name, definition, t.engine)); err != nil {
			return err
		}
		if err := b.server.exec(ctx, fmt.Sprintf(`INSERT INTO bench.%s SELECT
			toDateTime64('2026-01-01 00:00:00.000', 3, 'UTC') + toIntervalMinute(number %% %d),
			'ID' || leftPad(toString(intDiv(number, %d)), 5, '0'), %s, cityHash64(number, 3) %% 10000000
			FROM numbers(%d)`, t.name, seriesLength, seriesLength, t.values, t.rows)); err != nil {
			return err
		}
		// One part, so that no merge runs beside a measurement.
		if err := b.server.exec(ctx, "OPTIMIZE TABLE bench."+t.name+" FINAL"); err != nil {
			return err
		}
	}
	return b.server.restart(ctx)
}
