package store

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// logComment is the setting that holds the purpose of a query.
const logComment = "log_comment"

// setting is one that reads are sent with.
type setting struct {
	value any
	// vital marks a setting that a right answer rests on. A server that has another value
	// for it and does not let us change it is not read from.
	vital bool
}

// pinned are the settings of every read. What an answer looks like must not depend on
// a server's defaults, which differ between versions and installations.
func (s *Store) pinned() map[string]setting {
	settings := map[string]setting{
		// Reads cannot write, and end in ClickHouse when their connection ends.
		"readonly": {value: 2},
		"cancel_http_readonly_queries_on_client_close": {value: 1},
		maxExecutionTime: {value: s.cfg.QueryTimeout.Seconds()},
		maxMemoryUsage:   {value: max(0, s.cfg.Limits.Memory)},
		maxRowsToRead:    {value: max(0, s.cfg.Limits.Rows)},
		maxBytesToRead:   {value: max(0, s.cfg.Limits.Bytes)},
		// Compiled, as they are from the fourth time on, min and max take a DateTime64 before
		// 1970 for one after all others (seen in 26.7).
		"compile_aggregate_expressions": {value: 0},

		// A limit is an error, never a shorter answer, and so is a shard that is away.
		"timeout_overflow_mode":          {"throw", true},
		"timeout_overflow_mode_leaf":     {"throw", true},
		"result_overflow_mode":           {"throw", true},
		"read_overflow_mode":             {"throw", true},
		"read_overflow_mode_leaf":        {"throw", true},
		"group_by_overflow_mode":         {"throw", true},
		"sort_overflow_mode":             {"throw", true},
		"distinct_overflow_mode":         {"throw", true},
		"join_overflow_mode":             {"throw", true},
		"set_overflow_mode":              {"throw", true},
		"transfer_overflow_mode":         {"throw", true},
		"limit":                          {0, true},
		"offset":                         {0, true},
		"partial_result_on_first_cancel": {0, true},
		"skip_unavailable_shards":        {0, true},

		// A failure stands beside an answer, where it is looked for, and not inside.
		"http_write_exception_in_output_format": {0, true},

		// Time is UTC, also in text.
		"session_timezone":        {"UTC", true},
		"date_time_output_format": {"iso", true},

		// Arrow: dictionaries for LowCardinality, text as text whatever its bytes.
		"output_format_arrow_low_cardinality_as_dictionary": {value: 1},
		"output_format_arrow_compression_method":            {value: "none"},
		"output_format_arrow_string_as_string":              {"1", true},
		"output_format_arrow_date_as_uint16":                {"0", true},

		// JSON, which composite types are read as: whole numbers of 64 bits keep their
		// digits, and what JSON has no number for is null.
		"output_format_json_quote_64bit_integers":            {1, true},
		"output_format_json_quote_decimals":                  {1, true},
		"output_format_json_quote_64bit_floats":              {0, true},
		"output_format_json_quote_denormals":                 {0, true},
		"output_format_json_named_tuples_as_objects":         {1, true},
		"output_format_json_skip_null_value_in_named_tuples": {0, true},
		"output_format_json_map_as_array_of_tuples":          {0, true},

		// Rows are merged where a statement says FINAL, and nowhere else.
		"final": {0, true},

		// A NULL in a filter or a join means what SQL says.
		"transform_null_in": {0, true},
		"join_use_nulls":    {1, true},
	}
	if !s.cfg.Server.Local {
		settings["output_format_arrow_compression_method"] = setting{value: "lz4_frame"}
	}
	return settings
}

// readLazily is the setting by which ClickHouse first finds out which rows come under a
// limit, and then reads their other columns. Where rows are stored in the order that is
// asked for, that is a fifth more work for nothing.
const readLazily = "query_plan_optimize_lazy_materialization"

// readAhead is the setting by which ClickHouse reads on while rows that are stored in order
// are merged. Where they are ordered further, for a limit, it reads on to the end of the table.
const readAhead = "read_in_order_use_buffering"

// applyOnTheFly is the setting by which reads apply mutations that are not done yet. It is
// not ours to change, but to know of; see Size.
const applyOnTheFly = "apply_mutations_on_fly"

// nowAndThen are the settings that not every read is sent with. The last ones come with a
// statement, as sql.Setting.
var nowAndThen = []string{applyOnTheFly, logComment, readLazily, readAhead, "max_rows_to_group_by", "allow_custom_error_code_in_throwif", resolveSets}

// readSettings are what reads are sent with.
type readSettings struct {
	onTheFly bool // whether the user's profile has applyOnTheFly
	values   clickhouse.Settings
	encoded  string // for a URL, each with an ampersand after it; without those of nowAndThen and limits
	// most are the greatest values that the user may give to limits, if there are such.
	most map[string]float64
}

func (s *readSettings) add(name string, value any) {
	s.values[name] = value
	if !slices.Contains(nowAndThen, name) && !slices.Contains(limitSettings, name) {
		s.encoded += name + "=" + url.QueryEscape(fmt.Sprint(value)) + "&"
	}
}

// readSettings returns the settings of reads for a statement that is sent in another way.
func (s *Store) readSettings(ctx context.Context) (*clickhouse.Settings, error) {
	settings, err := s.settingsOfReads(ctx)
	if err != nil {
		return nil, err
	}
	every := maps.Clone(settings.values)
	for _, name := range append(slices.Clip(nowAndThen), limitSettings[1:]...) {
		delete(every, name) // of limits, that of time holds for what writes look up
	}
	return &every, nil
}

// settingsOfReads returns the pinned settings that the server knows and lets us change.
// It is asked once: a server refuses a query with a setting that it does not know, as
// older ones do, or that a user may not change, as with readonly=1.
func (s *Store) settingsOfReads(ctx context.Context) (*readSettings, error) {
	if settings := s.settings.Load(); settings != nil {
		return settings, nil
	}
	// Others wait for this answer, so neither it nor the waiting may take long.
	limited, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	select {
	case s.contact <- struct{}{}:
		defer func() { <-s.contact }()
	case <-limited.Done():
		return nil, (&answer{client: ctx, ctx: limited}).explain(limited.Err())
	}
	if settings := s.settings.Load(); settings != nil {
		return settings, nil
	}
	wanted := s.pinned()
	for _, name := range nowAndThen {
		wanted[name] = setting{value: ""}
	}
	// One row, since nothing keeps a server from cutting this answer yet.
	answer, err := s.send(limited, smallFormat, sql.Statement{
		Text: "SELECT groupArray([name, toString(value), toString(readonly), toString(ifNull(max, ''))]) AS settings FROM system.settings" +
			" WHERE name IN ('" + strings.Join(slices.Sorted(maps.Keys(wanted)), "', '") + "')",
	}, &readSettings{})
	if err != nil {
		return nil, err
	}
	rows, err := decodeRows[struct {
		Settings [][4]string `json:"settings"`
	}](answer)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 || len(rows[0].Settings) == 0 {
		return nil, fmt.Errorf("settings of ClickHouse: %d rows, of which the first names none", len(rows))
	}
	settings, err := s.choose(wanted, rows[0].Settings)
	if err != nil {
		return nil, err
	}
	s.settings.Store(settings)
	return settings, nil
}

// choose returns the settings to send, out of those that the server knows: each with its
// name, its value now, whether it is fixed, and its greatest value.
func (s *Store) choose(wanted map[string]setting, known [][4]string) (*readSettings, error) {
	settings := &readSettings{values: clickhouse.Settings{}, most: map[string]float64{}}
	var vital, other []string
	for _, row := range known {
		name, value, fixed, most := row[0], row[1], row[2] == "1", row[3]
		if name == applyOnTheFly {
			settings.onTheFly = value == "1"
			continue
		}
		want := wanted[name]
		switch text := fmt.Sprintf("%s = '%v'", name, want.value); {
		case !fixed && slices.Contains(limitSettings, name):
			if greatest, err := strconv.ParseFloat(most, 64); err == nil && greatest > 0 {
				settings.most[name] = greatest
			}
			settings.add(name, want.value)
		case !fixed:
			settings.add(name, want.value)
		case slices.Contains(limitSettings[1:], name):
			other = append(other, name+" as limits say")
		case value == fmt.Sprint(want.value) || slices.Contains(nowAndThen, name) || name == "readonly" && value != "0":
		case want.vital:
			vital = append(vital, text)
		default:
			other = append(other, text)
		}
	}
	if len(vital) > 0 {
		return nil, &contracts.Error{
			Code:       contracts.CodeUnavailable,
			Detail:     "ClickHouse does not let framehouse set what a right answer rests on; the log says what.",
			RetryAfter: dialTimeout,
			Cause: fmt.Errorf("the ClickHouse user %q may not change settings that it must: let it, with readonly = 2 instead of 1 and without constraints on them, or give it SETTINGS %s",
				s.cfg.Server.User, strings.Join(vital, ", ")),
		}
	}
	if len(other) > 0 {
		s.cfg.Logger.Warn("the ClickHouse user may not change some settings: queries may go on beyond our limits and those in the catalog, or after their client has gone",
			"user", s.cfg.Server.User, "wanted", strings.Join(other, ", "))
	}
	return settings, nil
}
