package catalog

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"framehouse/internal/store/sql"
)

// limits reads what ClickHouse may spend on a query of the entry. A limit that is given
// counts in the place of the program's, be it lower or higher: whoever writes the catalog
// knows the table.
func (d *decoder) limits(target *sql.Limits) func(*yaml.Node) {
	return func(n *yaml.Node) {
		d.mapping(n, keys{
			"time":   d.span(&target.Time),
			"memory": d.bound(&target.Memory, "a size such as 2GB or 512MiB", size),
			"rows":   d.bound(&target.Rows, "a whole number above zero", count),
			"bytes":  d.bound(&target.Bytes, "a size such as 10GB or 1TiB", size),
		})
	}
}

// longestQuery is the largest limit of time. No client waits for as long, and a query of a
// client that left ends anyway.
const longestQuery = 24 * time.Hour

func (d *decoder) span(target *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		n = resolved(n)
		span, err := time.ParseDuration(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil || span < time.Millisecond || span > longestQuery {
			d.fault(n.Line, "%s stands where a time such as 500ms, 10s or 2m is expected, of a day at most", shown(n))
			return
		}
		*target = span
	}
}

// bound reads a limit that may also be none.
func (d *decoder) bound(target *int64, what string, read func(string) (int64, error)) func(*yaml.Node) {
	return func(n *yaml.Node) {
		n = resolved(n)
		if n.Kind == yaml.ScalarNode && n.Value == "none" {
			*target = sql.Unlimited
			return
		}
		value, err := read(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil || value < 1 {
			d.fault(n.Line, "%s stands where %s, or none, is expected", shown(n), what)
			return
		}
		*target = value
	}
}

func size(text string) (int64, error) {
	s, err := sql.ParseSize(text)
	return int64(s), err
}

func count(text string) (int64, error) {
	return strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64)
}
