package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// ask sends a request with a body.
func ask(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, content}
}

const jsonType = "application/json"

func openNotes(t *testing.T) (app *App, database string) {
	t.Helper()
	database = storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE notes (id UInt32, text String, tags Array(String) DEFAULT [], made DateTime64(3), maker String, version UInt64, is_deleted UInt8)
			ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY id SETTINGS non_replicated_deduplication_window = 100;
		CREATE TABLE fixed (id UInt32) ENGINE = MergeTree ORDER BY id;
	`)
	address, _ := forward(t, "127.0.0.1:0")
	return open(t, Config{ClickHouse: urlOf(t, database, address), CatalogFile: writeCatalog(t, `
tables:
  notes: {write: upsert, created_at: made, created_by: maker}
  fixed: {}
`)}), database
}

func TestWrites(t *testing.T) {
	t.Parallel()
	app, database := openNotes(t)
	notes := app.URL() + "/v1/tables/notes/rows"

	a := ask(t, http.MethodPost, notes, `[{"id":1,"text":"one"},{"id":2,"text":"two","tags":["a,b"]}]`, "Content-Type", jsonType, "Idempotency-Key", "k")
	if a.status != http.StatusOK || strings.TrimSpace(string(a.body)) != `{"table":"notes","mode":"upsert","rows":2}` {
		t.Fatalf("%d %s", a.status, a.body)
	}
	f := get(t, notes).frame(t)
	if len(f.Rows) != 2 || f.Rows[1]["text"] != "two" || f.Rows[1]["maker"] != "anonymous" || len(f.Columns) != 5 {
		t.Errorf("rows %v, columns %v", f.Rows, f.Columns)
	}
	var described struct {
		Rows  int
		Write struct {
			Mode                      string
			Columns, Required, Filled []string
		}
	}
	if err := json.Unmarshal(get(t, app.URL()+"/v1/tables/notes").body, &described); err != nil || described.Rows != 2 ||
		fmt.Sprint(described.Write) != "{upsert [id text tags] [id text] [made maker]}" {
		t.Errorf("%v: %+v", err, described)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	fmt.Fprint(w, "id,text\n3,\"three\"\n")
	w.Close()
	if a := ask(t, http.MethodPost, notes+"?mode=insert", packed.String(), "Content-Type", "text/csv", "Content-Encoding", "gzip"); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := ask(t, http.MethodDelete, notes+"?id.gte=2", ""); a.status != http.StatusOK || strings.TrimSpace(string(a.body)) != `{"table":"notes","rows":2}` {
		t.Errorf("%d %s", a.status, a.body)
	}

	big := strings.Repeat("x", 1<<20)
	for _, test := range []struct {
		name, method, url, body string
		headers                 []string
		status                  int
		location                string
	}{
		{"a table that is only read", "POST", app.URL() + "/v1/tables/fixed/rows", `[]`, []string{"Content-Type", jsonType}, 405, "path.table"},
		{"deleting from it", "DELETE", app.URL() + "/v1/tables/fixed/rows?id=1", ``, nil, 405, "path.table"},
		{"deleting with a body", "DELETE", notes + "?id=1", `{"where":{"column":"id","op":"eq","value":2}}`, []string{"Content-Type", jsonType}, 422, "body"},
		{"deleting by a body", "DELETE", notes, `{"where":{"column":"id","op":"eq","value":2}}`, []string{"Content-Type", jsonType}, 422, "body"},
		{"deleting without a condition", "DELETE", notes, ``, nil, 422, "query"},
		{"deleting what an empty condition says", "DELETE", notes + "?where=not(or())", ``, nil, 422, "query"},
		{"no table", "POST", app.URL() + "/v1/tables/nots/rows", `[]`, []string{"Content-Type", jsonType}, 404, "path.table"},
		{"PUT", "PUT", notes, `[]`, []string{"Content-Type", jsonType}, 405, "method"},
		{"no content type", "POST", notes, `[]`, nil, 415, "header.Content-Type"},
		{"another content type", "POST", notes, `[]`, []string{"Content-Type", "application/xml"}, 415, "header.Content-Type"},
		{"another encoding", "POST", notes, `[]`, []string{"Content-Type", jsonType, "Content-Encoding", "br"}, 415, "header.Content-Encoding"},
		{"a conflict", "POST", notes + "?mode=insert", `[{"id":1,"text":"x"}]`, []string{"Content-Type", jsonType}, 409, "body.row[1]"},
		{"a bad row", "POST", notes, `[{"id":5,"text":"x"},{"id":-1,"text":"x"}]`, []string{"Content-Type", jsonType}, 422, "body.row[2].id"},
		{"no JSON", "POST", notes, `{"rows":[{"id":5,"text":"x"}`, []string{"Content-Type", jsonType}, 422, "body.row[1]"},
		{"an unknown mode", "POST", notes + "?mode=replace", `[]`, []string{"Content-Type", jsonType}, 422, "query.mode"},
		{"an unknown parameter", "POST", notes + "?moed=insert", `[]`, []string{"Content-Type", jsonType}, 422, "query.moed"},
		{"an empty key", "POST", notes, `[]`, []string{"Content-Type", jsonType, "Idempotency-Key", ""}, 422, "header.Idempotency-Key"},
		{"an empty key for a deletion", "DELETE", notes + "?id=1", ``, []string{"Idempotency-Key", ""}, 422, "header.Idempotency-Key"},
		{"a long key", "POST", notes, `[]`, []string{"Content-Type", jsonType, "Idempotency-Key", big[:300]}, 422, "header.Idempotency-Key"},
		{"a key for another body", "POST", notes, `[]`, []string{"Content-Type", jsonType, "Idempotency-Key", "k"}, 422, "header.Idempotency-Key"},
		{"nesting", "POST", notes, `[{"id":1,"text":"x","tags":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}]`, []string{"Content-Type", jsonType}, 422, "body.row[1]"},
		{"nesting without end", "POST", notes, strings.Repeat("[", 1_000_000), []string{"Content-Type", jsonType}, 422, "body"},
		{"objects in objects", "POST", notes, strings.Repeat(`{"rows":`, 100_000), []string{"Content-Type", jsonType}, 422, "body"},
		{"a member twice", "POST", notes, `[{"id":5,"text":"x","text":"y"}]`, []string{"Content-Type", jsonType}, 422, "body.row[1].text"},
		{"NUL", "POST", notes, "\x00", []string{"Content-Type", jsonType}, 422, "body"},
		{"cut gzip", "POST", notes, packed.String()[:packed.Len()-9], []string{"Content-Type", "text/csv", "Content-Encoding", "gzip"}, 422, "body.row[1]"},
		{"no gzip", "POST", notes, "id,text\n", []string{"Content-Type", "text/csv", "Content-Encoding", "gzip"}, 422, "body"},
		{"a bomb", "POST", notes, bomb(), []string{"Content-Type", "application/x-ndjson", "Content-Encoding", "gzip"}, 413, "body"},
		{"no Arrow", "POST", notes, big, []string{"Content-Type", "application/vnd.apache.arrow.stream"}, 422, "body"},
		{"Arrow of length -1", "POST", notes, "\xff\xff\xff\xff\xff\xff\xff\x7f", []string{"Content-Type", "application/vnd.apache.arrow.stream"}, 422, "body"},
		{"no Parquet", "POST", notes, "PAR1" + big + "\xff\xff\xff\x7fPAR1", []string{"Content-Type", "application/vnd.apache.parquet"}, 422, "body"},
		{"nothing as Parquet", "POST", notes, "", []string{"Content-Type", "application/vnd.apache.parquet"}, 422, "body"},
		{"delete without a filter", "DELETE", notes, "", nil, 422, "query"},
		{"delete by no column", "DELETE", notes + "?ide=1", "", nil, 422, "query.ide"},
		{"delete by a bad value", "DELETE", notes + "?id=1;DROP", "", nil, 422, ""},
		{"delete by an injection", "DELETE", notes + "?text=" + "%27%20OR%201%3D1%20--", "", nil, 200, ""},
		{"delete by a hostile where", "DELETE", notes + "?where=" + strings.Repeat("not(", 5000), "", nil, 422, "query.where"},
	} {
		a := ask(t, test.method, test.url, test.body, test.headers...)
		if a.status != test.status {
			t.Errorf("%s: %d %.500s", test.name, a.status, a.body)
			continue
		}
		if test.status == http.StatusOK {
			continue
		}
		p := a.problem(t)
		if len(p.Errors) == 0 || test.location != "" && p.Errors[0].Location != test.location {
			t.Errorf("%s: %.500s", test.name, a.body)
		}
		if test.status == 405 && !strings.HasPrefix(a.header.Get("Allow"), "GET, HEAD") {
			t.Errorf("%s: Allow %q", test.name, a.header.Get("Allow"))
		}
		if strings.Contains(string(a.body), "DB::") || strings.Contains(string(a.body), "INSERT") {
			t.Errorf("%s: the answer tells of our statements: %s", test.name, a.body)
		}
	}
	if got := storetest.Query(t, database, "SELECT id, text FROM notes FINAL"); got != "1\tone" {
		t.Errorf("after all refusals there is %q", got)
	}
	if a := ask(t, http.MethodPost, notes, `[{"id":7,"text":"`+big+`\u0000"}]`, "Content-Type", jsonType); a.status != http.StatusOK {
		t.Errorf("a text of 1 MB: %d %.300s", a.status, a.body)
	}
	if got := storetest.Query(t, database, "SELECT length(text), endsWith(text, '\\0') FROM notes FINAL WHERE id = 7"); got != "1048577\t1" {
		t.Errorf("a text of 1 MB: %s", got)
	}
}

// bomb unpacks to more than a body may have.
func bomb() string {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	line := bytes.Repeat([]byte(`{"id":1,"text":"`+strings.Repeat("x", 1<<20)+`"}`+"\n"), 1)
	for i := range 300 {
		w.Write(bytes.Replace(line, []byte(`"id":1`), fmt.Append(nil, `"id":`, i), 1))
	}
	w.Close()
	return packed.String()
}

// A client that goes away in the middle of its body has stored nothing.
func TestHangUpOfAWriter(t *testing.T) {
	t.Parallel()
	app, database := openNotes(t)
	for _, framing := range []string{"Content-Length: 100000", "Transfer-Encoding: chunked"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(app.URL(), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /v1/tables/notes/rows HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n%s\r\n\r\n", framing)
		line := "{\"id\":1,\"text\":\"x\"}\n"
		if strings.HasPrefix(framing, "T") {
			line = fmt.Sprintf("%x\r\n%s\r\n", len(line), line)
		}
		fmt.Fprint(conn, line)
		time.Sleep(50 * time.Millisecond) // in which a part of the body is read; any other time tests the same
		conn.Close()
	}
	// Its turn is over: others write.
	if a := ask(t, http.MethodPost, app.URL()+"/v1/tables/notes/rows", `[{"id":9,"text":"x"}]`, "Content-Type", jsonType); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := storetest.Query(t, database, "SELECT id FROM notes FINAL"); got != "9" {
		t.Errorf("stored are %q", got)
	}
}
