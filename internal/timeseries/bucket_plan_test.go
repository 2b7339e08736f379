package timeseries

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the statements that buckets have now into testdata")

// TestBucketStatements holds the statements of buckets against those in testdata/*.sql, and
// runs each: what it reads must be found by the key, since no bucket is a reason to read
// what lies outside of the range.
func TestBucketStatements(t *testing.T) {
	t.Parallel()
	s := ticks(t)
	node, err := s.node("ticks")
	if err != nil {
		t.Fatal(err)
	}
	day := Range{From: "2024-01-02", To: "2024-01-02"}
	tests := map[string]Query{
		"bucket_hour":        {Range: day, Buckets: Buckets{Interval: "1h", Agg: []string{"price:mean", "volume:sum"}}},
		"bucket_month":       {Range: day, Buckets: Buckets{Interval: "1mo", Agg: []string{"price:last"}}},
		"bucket_day_in_zone": {Range: Range{From: "2024-01-01", To: "2024-04-30", Timezone: "America/New_York"}, Buckets: Buckets{Interval: "1d", Label: "right", Agg: []string{"price:max"}}},
		"bucket_fill":        {Range: day, Buckets: Buckets{Interval: "1h", Agg: []string{"price:last"}, Fill: "previous", MarkFilled: true}},
		"bucket_fill_linear": {Range: Range{From: "2024-01-02"}, Buckets: Buckets{Interval: "1h", Agg: []string{"volume:last"}, Fill: "linear"}},
	}
	for name, query := range tests {
		t.Run(name, func(t *testing.T) {
			query.Limit = 10
			p, err := newPlan(node, query, now)
			if err != nil {
				t.Fatal(err)
			}
			statement := p.newestFirst()
			statement.Settings = p.settings
			built := statement.Build()
			text := strings.ReplaceAll(built.Text, node.Source.Database, "db")
			text = strings.ReplaceAll(text, " FROM (", "\n FROM (") + "\n"
			for _, parameter := range built.Params {
				text += parameter.Name + " " + parameter.Type + " " + parameter.Value + "\n"
			}
			for _, setting := range built.Settings {
				text += fmt.Sprintf("%s = %d\n", setting.Name, setting.Value)
			}
			file := filepath.Join("testdata", name+".sql")
			if *update {
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if text != string(want) {
				t.Errorf("%s is no longer the statement; it is\n%s", file, text)
			}
			explained := explain(t, built)
			m := regexp.MustCompile(`(?s)PrimaryKey.*?Granules: (\d+)/(\d+)`).FindStringSubmatch(explained)
			if m == nil || m[1] == m[2] {
				t.Errorf("the primary key saves nothing:\n%s", explained)
			}
		})
	}
}
