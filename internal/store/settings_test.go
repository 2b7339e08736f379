package store

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store/engine"
	"framehouse/internal/store/sql"
)

// profiles are users of an engine beside its own, with their settings.
const profiles = `<clickhouse>
  <profiles>
    <readonly2><readonly>2</readonly></readonly2>
    <readonly1><readonly>1</readonly><final>1</final></readonly1>
    <equipped>
      <readonly>1</readonly>
      <session_timezone>UTC</session_timezone>
      <date_time_output_format>iso</date_time_output_format>
      <output_format_json_quote_64bit_integers>1</output_format_json_quote_64bit_integers>
      <output_format_json_quote_decimals>1</output_format_json_quote_decimals>
      <join_use_nulls>1</join_use_nulls>
    </equipped>
    <cutting>
      <limit>3</limit>
      <max_result_rows>5</max_result_rows>
      <result_overflow_mode>break</result_overflow_mode>
      <group_by_overflow_mode>any</group_by_overflow_mode>
      <read_overflow_mode>break</read_overflow_mode>
      <max_block_size>1</max_block_size>
    </cutting>
    <stubborn>
      <max_result_rows>5</max_result_rows>
      <result_overflow_mode>break</result_overflow_mode>
      <constraints><result_overflow_mode><const/></result_overflow_mode></constraints>
    </stubborn>
    <hurried>
      <max_execution_time>1</max_execution_time>
      <constraints><max_execution_time><max>2</max></max_execution_time></constraints>
    </hurried>
    <merging><final>1</final></merging>
    <local>
      <session_timezone>Asia/Tokyo</session_timezone>
      <output_format_json_quote_64bit_integers>0</output_format_json_quote_64bit_integers>
      <output_format_json_quote_denormals>1</output_format_json_quote_denormals>
      <output_format_arrow_string_as_string>0</output_format_arrow_string_as_string>
      <output_format_arrow_date_as_uint16>1</output_format_arrow_date_as_uint16>
    </local>
  </profiles>
  <users>USERS</users>
</clickhouse>`

// strict is an engine with the users of profiles. The engine lets in its own user alone;
// ClickHouse merges what stands in these folders into its configuration.
func strict(t *testing.T) func(user string, logger *slog.Logger) *Store {
	t.Helper()
	dir := t.TempDir()
	e, err := engine.Open(t.Context(), engine.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	var users strings.Builder
	for _, user := range []string{"readonly2", "readonly1", "equipped", "cutting", "stubborn", "hurried", "merging", "local"} {
		users.WriteString("<" + user + "><password>p</password><networks><ip>127.0.0.1</ip></networks><profile>" + user + "</profile><quota>default</quota></" + user + ">")
	}
	for file, content := range map[string]string{
		"users.d/users.xml":     strings.Replace(profiles, "USERS", users.String(), 1),
		"config.d/everyone.xml": `<clickhouse><http_handlers><rule><headers><X-ClickHouse-User replace="1">regex:.+</X-ClickHouse-User></headers></rule></http_handlers></clickhouse>`,
	} {
		file = filepath.Join(dir, file)
		if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if e, err = engine.Open(t.Context(), engine.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return func(user string, logger *slog.Logger) *Store {
		return open(t, Config{Logger: logger, Server: Server{
			Hosts: []string{"127.0.0.1:8123"}, User: user, Password: "p", Database: "default", Dial: e.DialContext, Local: true,
		}})
	}
}

// Whatever profile a user has: an answer is right, or it is an error that says what to do.
func TestProfiles(t *testing.T) {
	t.Parallel()
	as := strict(t)
	const composite = "SELECT toJSONString(tuple(18446744073709551615::UInt64, nan, toDateTime('2026-01-01 00:00:00', 'UTC'))) AS v"
	const right = `["18446744073709551615",null,"2026-01-01T00:00:00Z"]`

	for _, user := range []string{"readonly2", "equipped", "cutting", "local", "hurried"} {
		t.Run(user, func(t *testing.T) {
			s := as(user, nil)
			got, err := firstColumn(WithPurpose(t.Context(), "test"), s, sql.Statement{Text: composite})
			if err != nil || len(got) != 1 || got[0] != right {
				t.Errorf("got %s, %v", got, err)
			}
			got, err = firstColumn(t.Context(), s, sql.Statement{Text: "SELECT toString(toTypeName(toDate('2026-01-01'))) AS v, toDate('2026-01-01') AS d"})
			if err != nil || len(got) != 1 {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	t.Run("a user who may change nothing", func(t *testing.T) {
		e := wantCode(t, ping(t, as("readonly1", nil)), contracts.CodeUnavailable)
		for _, want := range []string{`"readonly1"`, "readonly = 2", "output_format_json_quote_64bit_integers = '1'", "join_use_nulls = '1'", "session_timezone = 'UTC'", "final = '0'"} {
			if !strings.Contains(e.Cause.Error(), want) {
				t.Errorf("%q does not say %s", e.Cause, want)
			}
		}
		if strings.Contains(e.Cause.Error(), "result_overflow_mode") {
			t.Errorf("%q blames what is right as it is", e.Cause)
		}
		if strings.Contains(e.Detail, "readonly1") {
			t.Errorf("the client is told %q", e.Detail)
		}
	})
	t.Run("a user who has what it takes", func(t *testing.T) {
		var log strings.Builder
		s := as("equipped", slog.New(slog.NewTextHandler(&log, nil)))
		for range 2 {
			if err := ping(t, s); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Count(log.String(), "level=WARN") != 1 || !strings.Contains(log.String(), "max_execution_time") || strings.Contains(log.String(), "join_use_nulls") {
			t.Errorf("the log says %q", log.String())
		}
	})
	t.Run("limits that cut", func(t *testing.T) {
		s := as("cutting", nil)
		rows, err := countRows(t.Context(), s, "SELECT number FROM numbers(5)")
		if rows != 5 || err != nil {
			t.Errorf("%d rows, %v", rows, err)
		}
		_, err = countRows(t.Context(), s, "SELECT number FROM numbers(1000)")
		wantCode(t, err, contracts.CodeQueryTooExpensive)
		_, err = countRows(t.Context(), s, "SELECT number FROM numbers(1000) GROUP BY number SETTINGS max_rows_to_group_by = 3")
		wantCode(t, err, contracts.CodeQueryTooExpensive)
		if names, err := s.Tables(t.Context()); err != nil {
			t.Error(names, err)
		}
	})
	t.Run("a limit that cuts and cannot be changed", func(t *testing.T) {
		e := wantCode(t, ping(t, as("stubborn", nil)), contracts.CodeUnavailable)
		if !strings.HasSuffix(e.Cause.Error(), "SETTINGS result_overflow_mode = 'throw'") {
			t.Errorf("%q", e.Cause)
		}
	})
	t.Run("rows that are merged unasked", func(t *testing.T) {
		s := as("merging", nil)
		for _, statement := range []string{
			"CREATE TABLE versions (id UInt32, n UInt32) ENGINE = ReplacingMergeTree(n) ORDER BY id",
			"INSERT INTO versions VALUES (1, 1)",
			"INSERT INTO versions VALUES (1, 2)",
		} {
			if err := s.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		for read, want := range map[string]int64{"SELECT n FROM versions": 2, "SELECT n FROM versions FINAL": 1} {
			if rows, err := countRows(t.Context(), s, read); rows != want || err != nil {
				t.Errorf("%s: %d rows, %v", read, rows, err)
			}
		}
	})
	t.Run("a time limit below ours", func(t *testing.T) {
		_, err := countRows(t.Context(), as("hurried", nil), "SELECT sleepEachRow(0.1) FROM numbers(100) SETTINGS max_block_size = 1")
		wantCode(t, err, contracts.CodeQueryTooExpensive)
	})
	t.Run("a wrong password", func(t *testing.T) {
		s := as("readonly2", nil)
		s = open(t, Config{Server: Server{Hosts: s.cfg.Server.Hosts, User: "readonly2", Password: "WRONG", Database: "default", Dial: s.cfg.Server.Dial}})
		err := ping(t, s)
		wantCode(t, err, contracts.CodeInternal)
		if strings.Contains(err.Error(), "WRONG") {
			t.Errorf("%v tells of the password", err)
		}
	})
}

// What a server knows and allows may change while we run: it is asked again.
func TestSettingsAreAskedAgain(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default")})
	if err := ping(t, s); err != nil {
		t.Fatal(err)
	}
	before := s.settings.Load()
	before.add("no_such_setting", 1)
	for range 2 {
		if err := ping(t, s); err != nil {
			t.Error(err)
		}
	}
	if now := s.settings.Load(); now == before || strings.Contains(now.encoded, "no_such_setting") {
		t.Errorf("sent are still %s", now.encoded)
	}
	// What stays refused is asked again once for each query, not for ever.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := countRows(ctx, s, "SELECT 1 SETTINGS no_such_setting = 1")
	wantCode(t, err, contracts.CodeInternal)
}

// The settings that a read is sent with arrive, and so does its purpose.
func TestPinned(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default"), QueryTimeout: 7 * time.Second})
	ctx := WithPurpose(t.Context(), "GET /v1/tables/{table}/rows")
	wanted := map[string]string{
		"readonly": "2", "max_execution_time": "7", "result_overflow_mode": "throw", "skip_unavailable_shards": "0",
		"session_timezone": "UTC", "join_use_nulls": "1", "log_comment": "GET /v1/tables/{table}/rows",
	}
	for name, want := range wanted {
		got, err := firstColumn(ctx, s, sql.Statement{Text: "SELECT value FROM system.settings WHERE name = '" + name + "'"})
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, %v; want %s", name, got, err, want)
		}
	}
}

// The time that a caller waits is no permission for ClickHouse to work as long.
func TestDeadlineIsNoTimeLimit(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default"), QueryTimeout: 7 * time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	got, err := firstColumn(ctx, s, sql.Statement{Text: "SELECT value FROM system.settings WHERE name = 'max_execution_time'"})
	if err != nil || got[0] != "7" {
		t.Errorf("the time limit is %q, %v", got, err)
	}
}
