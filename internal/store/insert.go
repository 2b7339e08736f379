package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"framehouse/internal/store/sql"
)

// MostRows is how many rows an INSERT of ours has at most. ClickHouse holds them in memory
// as one block, some 200 MB for a million rows of a few columns.
const MostRows = 1_000_000

// Insertion is an INSERT whose rows are all stored or none. They are one block, and lie in
// one partition, or ClickHouse refuses them: blocks and partitions become visible one by one.
type Insertion struct {
	Insert sql.Insert
	// Token tells a repetition, of which ClickHouse stores nothing. There must be one:
	// without it, equal rows of two requests would pass for a repetition.
	Token string
	// Rows are lines of JSONCompactEachRow; nil when Insert has a From.
	Rows io.Reader
}

// writeSettings are what every write is sent with.
func (s *Store) writeSettings(ctx context.Context, more ...string) url.Values {
	settings := url.Values{
		"database":               {s.cfg.Server.Database},
		"query_id":               {uuid.NewString()},
		"wait_end_of_query":      {"1"}, // the status then tells how it ended
		"session_timezone":       {"UTC"},
		"date_time_input_format": {"best_effort"}, // reads an instant with its Z
		"transform_null_in":      {"0"},
		"join_use_nulls":         {"1"},
		maxExecutionTime:         {fmt.Sprint(s.cfg.QueryTimeout.Seconds())},
	}
	if purpose, ok := ctx.Value(purposeKey{}).(string); ok {
		settings.Set(logComment, purpose)
	}
	for i := 0; i < len(more); i += 2 {
		settings.Set(more[i], more[i+1])
	}
	return settings
}

// InsertAll runs an Insertion.
func (s *Store) InsertAll(ctx context.Context, in Insertion) error {
	statement := in.Insert.Build()
	rows := in.Rows
	if rows == nil {
		rows = http.NoBody
	} else {
		statement.Text += " FORMAT JSONCompactEachRow"
	}
	const block = 2 * MostRows
	settings := s.writeSettings(ctx,
		"async_insert", "0",
		"insert_deduplicate", "1", "insert_deduplication_token", in.Token,
		"max_insert_threads", "1", "input_format_parallel_parsing", "0",
		"max_insert_block_size", strconv.Itoa(block), "min_insert_block_size_rows", strconv.Itoa(block), "min_insert_block_size_bytes", "0",
		"max_partitions_per_insert_block", "1", "throw_on_max_partitions_per_insert_block", "1",
		"input_format_null_as_default", "1", // a null that is no value of its column is one left out
		"input_format_defaults_for_omitted_fields", "1",
	)
	response, err := s.post(ctx, statement, settings, "application/octet-stream", rows)
	if err != nil {
		return explainWrite(err)
	}
	return response.Body.Close()
}

// DeleteAll runs a DELETE and returns when no read sees its rows any longer.
func (s *Store) DeleteAll(ctx context.Context, statement sql.Delete) error {
	settings := s.writeSettings(ctx, "lightweight_deletes_sync", "2", "mutations_sync", "2")
	response, err := s.post(ctx, statement.Build(), settings, "", http.NoBody)
	if err != nil {
		return explainWrite(err)
	}
	return response.Body.Close()
}

// External is a table that is sent along with a statement that reads, as sql.External.
type External struct {
	Name    string
	Columns []string // alternately a name and a type
	Rows    io.Reader
}

// Lookup runs a statement that reads, together with a table of ours, and calls each with
// the cells of each row as JSON. They are valid until it returns.
func (s *Store) Lookup(ctx context.Context, statement sql.Statement, table External, each func(cells []json.RawMessage) error) error {
	read, err := s.readSettings(ctx)
	if err != nil {
		return err
	}
	statement.Text += " FORMAT JSONCompactEachRow"
	settings := s.writeSettings(ctx)
	for name, value := range *read {
		settings.Set(name, fmt.Sprint(value))
	}
	var structure []string
	for i := 0; i < len(table.Columns); i += 2 {
		structure = append(structure, table.Columns[i]+" "+table.Columns[i+1])
	}
	settings.Set(table.Name+"_structure", strings.Join(structure, ", "))
	settings.Set(table.Name+"_format", "JSONCompactEachRow")

	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	if _, err := form.CreateFormFile(table.Name, table.Name); err != nil {
		return err
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	response, err := s.post(ctx, statement, settings, form.FormDataContentType(), io.MultiReader(&head, table.Rows, strings.NewReader(tail)))
	if err != nil {
		return explain(err)
	}
	defer response.Body.Close()
	for decoder := json.NewDecoder(response.Body); ; {
		var cells []json.RawMessage
		if err := decoder.Decode(&cells); err == io.EOF {
			return nil
		} else if err != nil {
			return unreachable(err)
		}
		if err := each(cells); err != nil {
			return err
		}
	}
}

// Cell runs a statement that answers one cell, named cell, which is text.
func (s *Store) Cell(ctx context.Context, query sql.Select) (string, error) {
	statement := query.Build()
	rows, err := selectRows[struct {
		Cell string `json:"cell"`
	}](ctx, s, statement.Text, statement.Params...)
	if err != nil {
		return "", err
	}
	if len(rows) != 1 {
		return "", fmt.Errorf("%s: %d rows", statement.Text, len(rows))
	}
	return rows[0].Cell, nil
}
