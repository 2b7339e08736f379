package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"framehouse/internal/store/storetest"
)

// attempts are what somebody sends who wants to get out of a value, of a name or of the
// filter language. None is a name of the tables, an expression or a value of anything but text.
func attempts() []string {
	all := []string{
		// SQL.
		`' OR '1'='1`, `' OR 1=1 --`, `' OR 1=1#`, `" OR ""="`, `') OR ('1'='1`, `')) OR 1=1 --`, `1' AND '1'='1`, `1; DROP TABLE notes`, `'; DROP TABLE notes; --`, `"; DROP TABLE notes; --`,
		`x'; INSERT INTO notes VALUES (1); --`, `'; TRUNCATE TABLE notes; --`, `'; ALTER TABLE notes DELETE WHERE 1; --`, `'; CREATE TABLE owned (x Int8) ENGINE = Memory; --`, `'; SYSTEM SHUTDOWN; --`, `'; KILL QUERY WHERE 1; --`,
		`' UNION SELECT 1 --`, `' UNION ALL SELECT name FROM system.tables --`, `' UNION SELECT * FROM url('http://127.0.0.1:1/', CSV, 'x String') --`, `(SELECT 1)`, `(SELECT count() FROM system.tables)`, `sleep(3)`, `' AND sleep(3) = 0 --`,
		`throwIf(1)`, `1/0`, `intDiv(1, 0)`, `version()`, `currentUser()`, `hostName()`, `file('/etc/passwd')`, `' || (SELECT version()) || '`, `CASE WHEN 1 THEN 1 END`, `toString(1)`, `* EXCEPT text`, `COLUMNS('.*')`, `text FROM notes --`,
		`NULL`, `\N`, `DEFAULT`, `TRUE`, `id DESC`, `id; --`, `id, text`, `id LIMIT 0`, `id) --`, `id FORMAT JSON`, `id INTO OUTFILE 'owned'`, `id SETTINGS max_threads = 1`, `SETTINGS readonly = 0`, `t.id`, "`t`.`id`", "`id`", `[id]`,
		"id`", "`", "``", "`; DROP TABLE notes; --", "id` OR `id", "\\`", "a`.`b", `id"`, `id'`, `system.tables`, `information_schema.tables`, `../notes`, `..%2fnotes`, `notes FINAL`, `notes AS t`, `notes; --`, `db.notes`,
		// Comments.
		`--`, `-- -`, `#`, `/*`, `*/`, `/**/`, `/*!50000 1*/`, `' /* */ OR /* */ 1=1 --`, `id/**/`, "id--\n", `;`, `;;`,
		// Parameters.
		`{p0:String}`, `{p0:Identifier}`, `{p1:UInt8}`, `{p0:Array(String)}`, `{:}`, `{`, `}`, `{ }`, `%(p0)s`, `:p0`, `@p0`, `$1`, `?`, `${jndi:ldap://x}`, `{{7*7}}`, `param_p0`, `&param_p0=1`, `?query=DROP`, `&query=SELECT+1`, `#fragment`,
		// Quotes, escapes and lists.
		`'`, `''`, `'''`, `"`, `""`, `"""`, `\`, `\\`, `\'`, `\\'`, `\"`, `\x27`, `\u0027`, `\0`, `\n`, `%27`, `%2527`, `&#39;`, `['`, `']`, `[]`, `['a','b']`, `a','b`, `','`, `\','`, `(`, `)`, `()`, `((`, `))`, `,`, `,,`, `(,)`, `=`, `==`, `=(`, `."=`,
		// The filter language.
		`or(`, `and(`, `not(`, `or(id=1`, `not()`, `nor(id=1)`, `owner(`, `owner(owner(owner(id=1)))`, `id=1)`, `id==1`, `.eq=1`, `.`, `..`, `...`, `id.`, `.id`, `id..eq`, `owner.`, `owner..id`, `where`, `where.`, `where.where`, `id.eq.eq`, `id.EQ`, `id.regex`, `id.sql`, `__proto__`, `constructor`, `id[$ne]`, `$where`, `id.in=(1`,
		// Bytes and Unicode.
		"\x00", "id\x00", "\x00' OR 1=1", "\r\n", "\r\nX-Owned: 1", "\n", "\t", "\b\f\v", "\x1b[31m", "\x7f", "\xff", "\xfe\xff", "\xc0\xa7", "\xe0\x80\xa7", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xc3", "\u02bc OR 1=1", "\uff07 OR 1=1", "＇", "ʼ", "‘", "；", "\u202e", "\u200b", "\ufeff", "\u2028", "\U0001f4a9", "e\u0301", "İ", "ß", "ſ", "K", "ｉｄ", "іd",
		// Numbers and size.
		"1e309", "-1e309", "0x10", "1_000", "99999999999999999999999999999999999999999999", "-0", "+1", "1e-400", "NaN", "inf", "-Infinity", "٣", "1,5", strings.Repeat("9", 1000), strings.Repeat("'", 1000), strings.Repeat("(", 1000), strings.Repeat("not(", 1000), strings.Repeat("%", 3000), strings.Repeat("_%", 1500), strings.Repeat("\\", 999), strings.Repeat("a.", 1000), strings.Repeat("\U0001f4a9", 2000),
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestHostile sends each attempt through every place of a request. What stands in a value is
// compared, exactly; what stands anywhere else is refused; and nothing in the database changes.
func TestHostile(t *testing.T) {
	attempts := attempts()
	if len(attempts) < 150 {
		t.Fatalf("%d attempts", len(attempts))
	}
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE owners (id UInt32, name String) ORDER BY id;
		INSERT INTO owners VALUES (1, 'one'), (2, 'two');
		CREATE TABLE notes (id UInt32, owner_id UInt32, text String, fixed FixedString(20), number Nullable(Int64), rate Float64, at DateTime64(3, 'UTC')) ORDER BY (text, id);
		CREATE TABLE ticks (time DateTime, series String, value Float64) ORDER BY (time, series);
	`)
	var notes, ticks []string
	for i, text := range attempts {
		notes = append(notes, fmt.Sprintf("(%d, %d, unhex('%x'), '', %d, 1, 0)", i, 1+i%2, text, i))
		ticks = append(ticks, fmt.Sprintf("(%d, unhex('%x'), %d)", i, text, i))
	}
	storetest.Exec(t, database, "INSERT INTO notes VALUES "+strings.Join(notes, ", "))
	storetest.Exec(t, database, "INSERT INTO ticks VALUES "+strings.Join(ticks, ", "))
	address, _ := forward(t, "127.0.0.1:0")
	app := open(t, Config{ClickHouse: urlOf(t, database, address), CatalogFile: writeCatalog(t, `
tables:
  notes: {key: [id], references: {owner: {columns: owner_id, table: owners, inverse: notes}}}
  owners: {key: [id]}
nodes:
  ticks: {time: time, dimensions: [series]}
`)})
	state := func() string {
		return storetest.Query(t, database, "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name") +
			storetest.Query(t, database, "SELECT count(), groupBitXor(cityHash64(*)) FROM notes") +
			storetest.Query(t, database, "SELECT count(), groupBitXor(cityHash64(*)) FROM owners") +
			storetest.Query(t, database, "SELECT count(), groupBitXor(cityHash64(*)) FROM ticks") +
			storetest.Query(t, "", "SELECT name FROM system.databases WHERE name NOT LIKE 'test%' ORDER BY name")
	}
	before := state()

	// Some at a time: the work is ClickHouse's and the wire's.
	var group sync.WaitGroup
	work := make(chan int)
	for range 4 {
		group.Go(func() {
			for i := range work {
				h := hostile{t: t, app: app, texts: attempts, text: attempts[i]}
				h.values()
				h.names()
				h.bodies()
			}
		})
	}
	for i := range attempts {
		work <- i
	}
	close(work)
	group.Wait()
	h := hostile{t: t, app: app, texts: attempts, text: strings.Repeat("x", 1<<20)}
	h.refused(http.MethodGet, "/v1/tables/notes/rows?text="+h.text, "")
	h.refused(http.MethodPost, "/v1/tables/notes/query", `{"where":{"column":"text","value":"`+h.text[:900_000]+`"}}`)
	h.refused(http.MethodPost, "/v1/tables/notes/query", `{"where":{"column":"text","value":"`+h.text+`"}}`)
	h.refused(http.MethodPost, "/v1/tables/notes/query", `{"where":`+strings.Repeat(`{"not":`, 100_000))
	h.refused(http.MethodPost, "/v1/tables/notes/query", `{"where":`+strings.Repeat(`[`, 500_000))

	if after := state(); after != before {
		t.Errorf("the database has changed\nbefore %s\nafter  %s", before, after)
	}
}

// hostile is one attempt.
type hostile struct {
	t     *testing.T
	app   *App
	texts []string // of the rows
	text  string
}

func (h hostile) do(method, path, body string) answer {
	h.t.Helper()
	request, err := http.NewRequestWithContext(h.t.Context(), method, h.app.URL()+path, strings.NewReader(body))
	if err != nil {
		h.t.Errorf("%s: %v", path, err)
		return answer{}
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Errorf("%s: %v", path, err)
		return answer{}
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 500 {
		h.t.Errorf("%.30q in %s %.200s %.200s: status %d, %v, %.300s", h.text, method, path, body, response.StatusCode, err, read)
	}
	if response.Header.Get("X-Owned") != "" {
		h.t.Errorf("%.30q in %.200s sets a header", h.text, path)
	}
	return answer{response.StatusCode, response.Header, read}
}

// refused makes sure that the request is refused.
func (h hostile) refused(method, path, body string) {
	h.t.Helper()
	if a := h.do(method, path, body); a.status < 400 {
		h.t.Errorf("%.30q in %s %.200s %.200s: status %d, %.300s", h.text, method, path, body, a.status, a.body)
	}
}

// finds makes sure that the answer has the rows of which a condition is true, and no others.
func (h hostile) finds(method, path, body, column string, holds func(text string) bool) {
	h.t.Helper()
	a := h.do(method, path, body)
	var f struct{ Rows []map[string]any }
	if a.status != http.StatusOK || json.Unmarshal(a.body, &f) != nil {
		h.t.Errorf("%.30q in %s %.200s %.200s: status %d, %.300s", h.text, method, path, body, a.status, a.body)
		return
	}
	got, want := []string{}, []string{}
	for _, r := range f.Rows {
		got = append(got, fmt.Sprint(r[column]))
	}
	for i, text := range h.texts {
		if holds(text) {
			want = append(want, fmt.Sprint(i))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		h.t.Errorf("%.30q in %s %.200s %.200s finds %.200s, want %.200s", h.text, method, path, body, got, want)
	}
}

// values are the places where any text is a value.
func (h hostile) values() {
	escaped, rows := url.QueryEscape(h.text), "/v1/tables/notes/rows?select=id&limit=1000&"
	quoted := url.QueryEscape(`"` + strings.ReplaceAll(h.text, `"`, `""`) + `"`)
	is := func(text string) bool { return text == h.text }
	isNot := func(text string) bool { return text != h.text }
	get := func(query string, holds func(string) bool) {
		h.t.Helper()
		h.finds(http.MethodGet, rows+query, "", "id", holds)
	}
	get("text="+escaped, is)
	get("text.ne="+escaped, isNot)
	get("text.in="+quoted+",absent", is)
	get("text.between="+quoted+","+quoted, is)
	get("text.contains="+escaped, func(text string) bool { return strings.Contains(text, h.text) })
	get("text.startswith="+escaped, func(text string) bool { return strings.HasPrefix(text, h.text) })
	get("text.endswith="+escaped, func(text string) bool { return strings.HasSuffix(text, h.text) })
	get("text.gt="+escaped, func(text string) bool { return text > h.text })
	get("where=or(text%3D"+quoted+",not(id.gte%3D0))", is)
	get("where=not(text.nin%3D("+quoted+"))", is)
	get("owner.name="+escaped, func(string) bool { return false })
	h.finds(http.MethodGet, "/v1/nodes/ticks/rows?limit=1000&series="+escaped, "", "value", is)
	h.finds(http.MethodGet, "/v1/nodes/ticks/latest?series.in="+quoted, "", "value", is)
	for _, operator := range []string{"like", "ilike", "icontains", "istartswith", "iendswith", "ieq"} {
		a := h.do(http.MethodGet, rows+"text."+operator+"="+escaped, "")
		if a.status != http.StatusOK && (a.status != http.StatusUnprocessableEntity || !strings.Contains(operator, "like")) {
			h.t.Errorf("%.30q in %s: status %d: %.300s", h.text, operator, a.status, a.body)
		}
	}
	if utf8.ValidString(h.text) {
		value, _ := json.Marshal(h.text)
		h.finds(http.MethodPost, "/v1/tables/notes/query", `{"select":["id"],"limit":1000,"where":{"column":"text","value":`+string(value)+`}}`, "id", is)
		h.finds(http.MethodPost, "/v1/tables/notes/query", `{"select":["id"],"limit":1000,"where":{"not":{"column":"text","op":"nin","value":["absent",`+string(value)+`]}}}`, "id", is)
	}
	h.do(http.MethodGet, "/v1/nodes/ticks/rows?identifiers="+escaped, "")
	h.do(http.MethodGet, "/v1/tables/notes/values/text?search="+escaped, "")
	h.do(http.MethodGet, "/customers?region="+escaped, "")
	h.do(http.MethodGet, "/v1/tables/notes/rows?fixed="+escaped, "")
	h.do(http.MethodGet, "/v1/tables/notes/rows?number="+escaped, "")
	h.do(http.MethodGet, "/v1/tables/notes/rows?rate.lt="+escaped, "")
	h.do(http.MethodGet, "/v1/nodes/ticks/rows?from="+escaped, "")
	h.do(http.MethodGet, "/v1/nodes/ticks/rows?to="+escaped, "")
	h.do(http.MethodGet, "/v1/nodes/ticks/rows?last="+escaped, "")
	h.do(http.MethodGet, "/v1/nodes/ticks/rows?timezone="+escaped, "")
	h.do(http.MethodGet, "/v1/nodes/ticks/rows?interval=1h&fill="+escaped, "")
	h.do(http.MethodPost, "/v1/tables/notes/query", `{"where":{"column":"id","op":"in","value":[1,`+h.text+`]}}`)
	h.refused(http.MethodDelete, "/v1/tables/notes/rows?text="+escaped, "") // which are not to be written
	h.refused(http.MethodPost, "/v1/tables/notes/rows", h.text)
}

// names are the places of a URL where a text can only be something that is not there.
func (h hostile) names() {
	escaped := url.QueryEscape(h.text)
	for _, query := range []string{
		escaped + "=1", "where." + escaped + "=1", "id." + escaped + "=1", "owner." + escaped + "=1", "owner.name." + escaped + "=1", "where=" + escaped, "where=" + escaped + "(id%3D1)", "where=or(" + escaped + "%3D1)",
		"where=id." + escaped + "%3D1", "where=%22" + strings.ReplaceAll(escaped, "%22", "%22%22") + "%22%3D1", "at=" + escaped, "at.between=" + escaped, "number.isnull=" + escaped, "select=" + escaped, "order=" + escaped, "order=-" + escaped,
		"cursor=" + escaped, "count=" + escaped, "group=" + escaped, "agg=" + escaped, "agg=sum:" + escaped, "agg=" + escaped + ":id", "agg=count&having=" + escaped, "agg=count&having." + escaped + "=1", "format=" + escaped,
		"int64=" + escaped, "decimals=" + escaped, "compression=" + escaped, "download=" + escaped, "limit=" + escaped,
	} {
		h.refused(http.MethodGet, "/v1/tables/notes/rows?"+query, "")
	}
	for _, query := range []string{escaped + "=1", "value." + escaped + "=1", "select=" + escaped, "order=" + escaped, "interval=" + escaped, "interval=1h&agg=" + escaped, "shape=" + escaped, "where=" + escaped} {
		h.refused(http.MethodGet, "/v1/nodes/ticks/rows?"+query, "")
	}
	path := url.PathEscape(h.text)
	if strings.Trim(h.text, ".") == "" {
		return // the path of another resource
	}
	h.refused(http.MethodGet, "/v1/tables/"+path, "")
	h.refused(http.MethodGet, "/v1/tables/"+path+"/rows", "")
	h.refused(http.MethodGet, "/v1/tables/notes/values/"+path, "")
	h.refused(http.MethodGet, "/v1/nodes/"+path+"/rows", "")
}

// bodies are the places of a body where a text can only be something that is not there.
func (h hostile) bodies() {
	value := `"` + h.text + `"` // as it is: bytes that are no text, and quotes that end one
	if utf8.ValidString(h.text) {
		marshalled, _ := json.Marshal(h.text)
		value = string(marshalled)
	}
	for _, body := range []string{
		h.text, value, `{` + value + `:1}`, `{"where":` + value + `}`, `{"where":{` + value + `:1}}`, `{"where":{"column":` + value + `,"value":1}}`, `{"where":{"column":"id","op":` + value + `,"value":1}}`, `{"where":{"column":"at","value":` + value + `}}`,
		`{"where":{"column":"id","op":"in","value":` + value + `}}`, `{"where":{"has":` + value + `}}`, `{"where":{"column":"owner.` + strings.TrimPrefix(value, `"`) + `,"value":1}}`,
		`{"where":{"and":[{"or":[{"not":` + value + `}]}]}}`, `{"where":{"column":"text","value":1,` + value + `:1}}`, `{"select":[` + value + `]}`, `{"select":` + value + `}`, `{"order":[{"column":` + value + `}]}`, `{"order":[{"column":"id","nulls":` + value + `}]}`,
		`{"order":[{"column":"id","descending":` + value + `}]}`, `{"limit":` + value + `}`, `{"cursor":` + value + `}`, `{"count":` + value + `}`, `{"group":[` + value + `]}`, `{"agg":[` + value + `]}`, `{"agg":["count"],"having":{"column":` + value + `,"value":1}}`,
	} {
		if body == "" || strings.ReplaceAll(body, " ", "") == "{}" {
			continue
		}
		h.refused(http.MethodPost, "/v1/tables/notes/query", body)
	}
}
