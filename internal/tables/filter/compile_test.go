package filter

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"framehouse/internal/catalog"
	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// warehouse is a table with columns of each kind, related to others on both sides, and with
// names that look like other things.
func warehouse(t *testing.T) (*store.Store, map[string]*catalog.Table) {
	t.Helper()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE shops (code String, opened Date, name Nullable(String), rate Float64, tax Nullable(Float32), cents Decimal(18, 2), region_id Nullable(UInt32),
			kind Enum8('small' = 1, 'large' = 2), open Bool, id UUID, addr IPv4, fixed FixedString(4), tags Array(String), stamp DateTime64(3, 'Europe/Berlin'),
			where String, limit UInt8, `+"`a.b` Int64, `a.ne` Int64, `odd, (name)=\"` Int8, a Int8"+`)
			ORDER BY (code, opened) SETTINGS index_granularity = 64;
		INSERT INTO shops (code, opened, name, rate, stamp) SELECT leftPad(toString(number), 6, '0'), toDate('2020-01-01') + number % 100, 'n', number, toDateTime64('2020-01-01', 3, 'UTC') + number FROM numbers(5000);
		CREATE TABLE regions (id UInt32, name String, land String) ORDER BY id;
		CREATE TABLE lands (code String, name String) ORDER BY code;
		CREATE TABLE sales (id UInt64, shop String, day Nullable(Date), amount Decimal(10, 2)) ENGINE = ReplacingMergeTree ORDER BY id;
	`)
	s, live := catalogtest.Load(t, database, `
tables:
  shops: {key: [code], references: {region: {columns: region_id, table: regions, inverse: shops}}}
  regions: {key: [id], references: {nation: {columns: land, table: lands, inverse: regions}}}
  lands: {key: [code]}
  sales: {key: [id], references: {store: {columns: shop, table: shops, inverse: sales}}}
`)
	current, err := live.Current()
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]*catalog.Table{}
	for _, table := range current.Tables {
		tables[table.Name] = table
	}
	return s, tables
}

// read is a statement that counts the rows that conditions leave.
func read(table *catalog.Table, conditions []sql.Expr) sql.Select {
	query := table.Read()
	query.Columns = []sql.Column{{Expr: sql.Call("count"), As: "n"}}
	query.Where = conditions
	return query
}

// conditionsOf is what stands after WHERE.
func conditionsOf(table *catalog.Table, conditions []sql.Expr) string {
	_, text, _ := strings.Cut(read(table, conditions).Build().Text, " WHERE ")
	return strings.ReplaceAll(text, table.Source.Database+"`", "db`")
}

func TestCompile(t *testing.T) {
	t.Parallel()
	s, tables := warehouse(t)
	for _, test := range []struct {
		query string // on shops
		text  string
		keyed bool // whether the primary key must save reading
	}{
		{"", "", false},
		{"code=000100", "`t`.`code` = {p0:String}", true},
		{"code=000100&code=000200", "`t`.`code` IN {p0:Array(String)}", true},
		{"code.in=000100,000200", "`t`.`code` IN {p0:Array(String)}", true},
		{"code.startswith=0001", "startsWith(`t`.`code`, {p0:String})", true},
		{"code.like=0001%25", "`t`.`code` LIKE {p0:String}", true},
		{"code.between=000100,000200", "`t`.`code` >= {p0:String} AND `t`.`code` <= {p1:String}", true},
		{"code.gte=004900", "`t`.`code` >= {p0:String}", true},
		{"where=not(code.gte=000100)", "`t`.`code` < {p0:String}", true},
		{"where=not(or(code.gte=000100,opened.lt=2020-02-01))", "`t`.`code` < {p0:String} AND `t`.`opened` >= {p1:Date}", true},
		{"where=or(code=000100,code.between=000200,000210)", "!query.where", false},
		{"where=or(code=000100,code.between=(000200,000210))", "(`t`.`code` = {p0:String} OR (`t`.`code` >= {p1:String} AND `t`.`code` <= {p2:String}))", true},
		{"code=000100&opened=2020-01-01", "`t`.`code` = {p0:String} AND `t`.`opened` = {p1:Date}", true},
		{"code.ne=x", "`t`.`code` != {p0:String}", false},
		{"name.ne=x", "(`t`.`name` != {p0:String} OR isNull(`t`.`name`))", false},
		{"name.nin=x,y", "(`t`.`name` NOT IN {p0:Array(String)} OR isNull(`t`.`name`))", false},
		{"where=not(name.nin=(x,y))", "`t`.`name` IN {p0:Array(String)}", false},
		{"rate.ne=1", "(`t`.`rate` != {p0:Float64} OR isNaN(`t`.`rate`))", false},
		{"where=not(rate.gt=1)", "(`t`.`rate` <= {p0:Float64} OR isNaN(`t`.`rate`))", false},
		{"tax.isnull=true", "(isNull(`t`.`tax`) OR isNaN(`t`.`tax`))", false},
		{"tax.isnull=false", "NOT (isNull(`t`.`tax`)) AND NOT (isNaN(`t`.`tax`))", false},
		{"where=not(tax.between=(1,2))", "(`t`.`tax` < {p0:Float32} OR `t`.`tax` > {p1:Float32} OR isNull(`t`.`tax`) OR isNaN(`t`.`tax`))", false},
		{"name.contains=50%25", "position(`t`.`name`, {p0:String}) > 0", false},
		{"name.icontains=50%25", "position(upperUTF8(lowerUTF8(`t`.`name`)), upperUTF8(lowerUTF8({p0:String}))) > 0", false},
		{"where=not(name.iendswith=x)", "(NOT (endsWith(upperUTF8(lowerUTF8(`t`.`name`)), upperUTF8(lowerUTF8({p0:String})))) OR isNull(`t`.`name`))", false},
		{"name.ilike=a_%25&name.ieq=x", "upperUTF8(lowerUTF8(`t`.`name`)) = upperUTF8(lowerUTF8({p0:String})) AND upperUTF8(lowerUTF8(`t`.`name`)) LIKE upperUTF8(lowerUTF8({p1:String}))", false},
		{"fixed.startswith=ab&fixed.contains=b", "position(toString(`t`.`fixed`), {p0:String}) > 0 AND startsWith(`t`.`fixed`, {p1:String})", false},
		{"kind=small&open=true&addr.gte=10.0.0.1&cents.in=1,2.50", "`t`.`addr` >= {p0:IPv4} AND `t`.`cents` IN {p1:Array(Decimal(18, 2))} AND `t`.`kind` = {p2:String} AND `t`.`open` = {p3:Bool}", false},
		{"stamp.gte=2020-01-01T01:00:00%2B01:00", "`t`.`stamp` >= {p0:DateTime64(3, 'UTC')}", false},
		// Names.
		{"where.where=x&where.limit=3&a.b=1", "`t`.`a.b` = {p0:Int64} AND `t`.`limit` = {p1:UInt8} AND `t`.`where` = {p2:String}", false},
		{"a.ne=5", "`t`.`a.ne` = {p0:Int64}", false},
		{`where="a".ne=5`, "`t`.`a` != {p0:Int8}", false},
		{`where="odd, (name)="""=5`, "`t`.`odd, (name)=\"` = {p0:Int8}", false},
		{`odd, (name)%3D"=5`, "`t`.`odd, (name)=\"` = {p0:Int8}", false},
		// Relations.
		{"region.name=North", "`t`.`region_id` GLOBAL IN (SELECT `t`.`id` AS `id` FROM `db`.`regions` AS `t` WHERE `t`.`name` = {p0:String})", false},
		{
			"region.nation.name=A&region.nation.code.startswith=x",
			"`t`.`region_id` GLOBAL IN (SELECT `t`.`id` AS `id` FROM `db`.`regions` AS `t` WHERE `t`.`land` GLOBAL IN (SELECT `t`.`code` AS `code` FROM `db`.`lands` AS `t` WHERE startsWith(`t`.`code`, {p0:String}) AND `t`.`name` = {p1:String}))",
			false,
		},
		{"where=not(region())", "(NOT (`t`.`region_id` GLOBAL IN (SELECT `t`.`id` AS `id` FROM `db`.`regions` AS `t`)) OR isNull(`t`.`region_id`))", false},
		{
			"sales.amount.gt=5&sales.day=2020-01-01",
			"`t`.`code` GLOBAL IN (SELECT `t`.`shop` AS `shop` FROM `db`.`sales` AS `t` FINAL WHERE `t`.`amount` > {p0:Decimal(10, 2)} AND `t`.`day` = {p1:Date})", false,
		},
		{
			"where=sales(amount.gt=5),sales(amount.lt=1)",
			"`t`.`code` GLOBAL IN (SELECT `t`.`shop` AS `shop` FROM `db`.`sales` AS `t` FINAL WHERE `t`.`amount` > {p0:Decimal(10, 2)})" +
				" AND `t`.`code` GLOBAL IN (SELECT `t`.`shop` AS `shop` FROM `db`.`sales` AS `t` FINAL WHERE `t`.`amount` < {p1:Decimal(10, 2)})", false,
		},
		{
			"where=not(sales.day.ne=2020-01-01)",
			"NOT (`t`.`code` GLOBAL IN (SELECT `t`.`shop` AS `shop` FROM `db`.`sales` AS `t` FINAL WHERE (`t`.`day` != {p0:Date} OR isNull(`t`.`day`))))", false,
		},
	} {
		t.Run(test.query, func(t *testing.T) {
			parameters, err := url.ParseQuery(test.query)
			if err != nil {
				t.Fatal(err)
			}
			e, err := FromQuery(tables["shops"], parameters, nil)
			var conditions []sql.Expr
			if err == nil {
				conditions, err = Compile(tables["shops"], e)
			}
			if location, refused := strings.CutPrefix(test.text, "!"); refused {
				if err == nil || contracts.AsError(err).Issues[0].Location != location {
					t.Fatalf("error %v, want one at %s", err, location)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := conditionsOf(tables["shops"], conditions); got != test.text {
				t.Errorf("conditions\n got %s\nwant %s", got, test.text)
			}
			explained := explain(t, s, read(tables["shops"], conditions).Build())
			m := regexp.MustCompile(`(?s)PrimaryKey.*?Granules: (\d+)/(\d+)`).FindStringSubmatch(explained)
			if test.keyed && (m == nil || m[1] == m[2]) {
				t.Errorf("the primary key saves nothing:\n%s", explained)
			}
		})
	}
}

// explain asks ClickHouse how it would run a statement, with the parameters that it has.
func explain(t *testing.T, s *store.Store, statement sql.Statement) string {
	t.Helper()
	statement.Text = "SELECT explain AS `explain` FROM (EXPLAIN indexes = 1 " + statement.Text + ")"
	records, err := s.Query(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := contracts.Rows[struct{ Explain string }](contracts.NewFrame([]contracts.Field{{Key: "explain", Type: contracts.TypeString}}, records, contracts.NoLimit))
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = r.Explain
	}
	return strings.Join(lines, "\n")
}

// A column of which the catalog lists the values cannot be asked for another: a misspelt one
// would find nothing. What does not name a value is free.
func TestListedValues(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE orders (id UInt32, region LowCardinality(String), day Date) ORDER BY id")
	_, live := catalogtest.Load(t, database, "tables: {orders: {columns: {region: {values: [US, EU]}, day: {values: ['2026-01-01']}}}}")
	current, err := live.Current()
	if err != nil {
		t.Fatal(err)
	}
	table := current.Tables[0]
	for query, hint := range map[string]string{
		"region=US": "", "region.in=US,EU": "", "region.ne=EU": "", "region.startswith=X": "", "region.gte=A": "", "day=2026-01-01": "", "day.gte=1999-01-01": "",
		"region=EUR": `Did you mean "EU"? Its values are US, EU.`, "region.in=US,xx": "Its values are US, EU.", "region.nin=us2": "US, EU", "day=2026-01-02": "2026-01-01", "where=or(region=US,region=UX)": "US, EU",
	} {
		parameters, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		e, err := FromQuery(table, parameters, nil)
		if err == nil {
			_, err = Compile(table, e)
		}
		if hint == "" && err != nil {
			t.Errorf("%s: %v", query, err)
		}
		if hint != "" && (err == nil || contracts.AsError(err).Status() != 422 || !strings.Contains(contracts.AsError(err).Issues[0].Hint, hint)) {
			t.Errorf("%s: %v, hint wanted: %s", query, err, hint)
		}
	}
}
