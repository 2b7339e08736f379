package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"framehouse/internal/store/sql"
)

// pinned are the settings of every read. What an answer looks like must not depend on
// a server's defaults, which differ between versions and installations.
func (s *Store) pinned() clickhouse.Settings {
	settings := clickhouse.Settings{
		// Reads cannot write, and end in ClickHouse when their connection ends.
		"readonly": 2,
		"cancel_http_readonly_queries_on_client_close": 1,
		"max_execution_time":                           s.cfg.QueryTimeout.Seconds(),
		"timeout_overflow_mode":                        "throw",
		"result_overflow_mode":                         "throw",
		"read_overflow_mode":                           "throw",

		// Time is UTC, also in text.
		"session_timezone":        "UTC",
		"date_time_output_format": "iso",

		// Arrow: dictionaries for LowCardinality, text as text whatever its bytes.
		"output_format_arrow_low_cardinality_as_dictionary":    1,
		"output_format_arrow_string_as_string":                 1,
		"output_format_arrow_fixed_string_as_fixed_byte_array": 1,
		"output_format_arrow_compression_method":               "none",

		// JSON, which composite types are read as: whole numbers of 64 bits keep their
		// digits, and what JSON has no number for is null.
		"output_format_json_quote_64bit_integers": 1,
		"output_format_json_quote_decimals":       1,
		"output_format_json_quote_denormals":      0,

		// A NULL in a filter or an aggregate means what SQL says.
		"transform_null_in": 0,
		"join_use_nulls":    1,
	}
	if !s.cfg.Server.Local {
		settings["output_format_arrow_compression_method"] = "lz4_frame"
	}
	return settings
}

// readSettings returns the pinned settings that the server knows. It is asked once: a
// server refuses a query that has a setting unknown to it, and older ones lack some.
func (s *Store) readSettings(ctx context.Context) (clickhouse.Settings, error) {
	s.contact.Lock()
	defer s.contact.Unlock()
	if s.settings != nil {
		return s.settings, nil
	}
	// Others wait for this answer, so it must not take long.
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	wanted := s.pinned()
	names := slices.Sorted(maps.Keys(wanted))
	answer, err := s.send(ctx, "TabSeparated", sql.Statement{
		Text: "SELECT name FROM system.settings WHERE name IN ('" + strings.Join(names, "', '") + "')",
	}, clickhouse.Settings{})
	if err != nil {
		return nil, err
	}
	known, err := answer.text()
	if err != nil {
		return nil, err
	}
	s.settings = clickhouse.Settings{}
	for _, name := range strings.Fields(known) {
		s.settings[name] = wanted[name]
	}
	return s.settings, nil
}
