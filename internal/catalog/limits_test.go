package catalog

import (
	"strings"
	"testing"
	"time"

	"framehouse/internal/store/sql"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		want  sql.Limits
		fault string
	}{
		{text: "{}"},
		{text: "{time: 10s, memory: 2GB, rows: 100_000_000, bytes: 10 GiB}", want: sql.Limits{Time: 10 * time.Second, Memory: 2e9, Rows: 1e8, Bytes: 10 << 30}},
		{text: "{time: 1500ms, memory: 1.5mb, rows: none, bytes: none}", want: sql.Limits{Time: 1500 * time.Millisecond, Memory: 1.5e6, Rows: sql.Unlimited, Bytes: sql.Unlimited}},
		{text: "{memory: 4096}", want: sql.Limits{Memory: 4096}},
		{text: "10s", fault: `"10s" stands where keys with values are expected`},
		{text: "{tiem: 10s}", fault: `unknown key "tiem"; did you mean "time"?`},
		{text: "{time: 10}", fault: `"10" stands where a time such as 500ms, 10s or 2m is expected, of a day at most`},
		{text: "{time: none}", fault: `"none" stands where a time`},
		{text: "{time: 0s}", fault: `"0s" stands where a time`},
		{text: "{time: 48h}", fault: `"48h" stands where a time`},
		{text: "{time: [10s]}", fault: `a list stands where a time`},
		{text: "{memory: 2 gigs}", fault: `"2 gigs" stands where a size such as 2GB or 512MiB, or none, is expected`},
		{text: "{memory: 0}", fault: `"0" stands where a size`},
		{text: "{memory: 99999999TB}", fault: `"99999999TB" stands where a size`},
		{text: "{rows: 1.5}", fault: `"1.5" stands where a whole number above zero, or none, is expected`},
		{text: "{rows: -1}", fault: `"-1" stands where a whole number`},
		{text: "{bytes: ~}", fault: `"~" stands where a size such as 10GB`},
	} {
		for _, section := range []string{"tables", "nodes"} {
			time := map[string]string{"nodes": ", time: time"}[section]
			c, err := Load(t.Context(), "c.yaml", []byte(section+":\n  prices: {\n    limits: "+test.text+time+"}"), shop())
			if err != nil {
				t.Fatal(err)
			}
			if test.fault != "" {
				if len(c.Faults) != 1 || c.Faults[0].Line != 3 || !strings.HasPrefix(c.Faults[0].Message, test.fault) {
					t.Errorf("%s of %s: %v", test.text, section, c.Faults)
				}
				continue
			}
			var got sql.Limits
			switch {
			case len(c.Faults) > 0:
				t.Errorf("%s of %s: %v", test.text, section, c.Faults)
				continue
			case section == "nodes":
				got = c.Nodes[0].Read().Limits
			default:
				got = c.Tables[0].Read().Limits
			}
			if got != test.want {
				t.Errorf("%s of %s: got %+v, want %+v", test.text, section, got, test.want)
			}
		}
	}
}
