package timeseries

import (
	"math/rand/v2"
	"testing"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
)

// An end that is moved to a tick of the time column has the same times before it, whichever
// ends belong to the range, in every zone.
func TestRoundedEnds(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	moved := 0
	for _, typ := range []string{"Date", "Date32", "DateTime", "DateTime64(3)", "DateTime64(9)"} {
		parsed, err := store.ParseType(typ)
		if err != nil {
			t.Fatal(err)
		}
		node := &catalog.Node{Time: &catalog.Column{Name: "t", Type: parsed}}
		tick, _, _ := parsed.Reach()
		for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo", "Australia/Lord_Howe"} {
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			for range 2000 {
				from := time.Unix(r.Int64N(2e9), r.Int64N(1e9)).UTC()
				to := from.Add(time.Duration(r.Int64N(int64(72 * time.Hour))))
				inclusive := inclusives[r.IntN(len(inclusives))]
				p := &plan{node: node, zone: zone, resolved: &contracts.Range{From: &from, To: &to, Inclusive: inclusive}}
				p.round(true, true)
				if p.resolved.Rounded != nil {
					moved++
				}
				// The times of the column around both ends.
				for _, end := range []time.Time{from, to} {
					for i := -2; i <= 2; i++ {
						at := onColumn(node.Time, end, zone).Truncate(tick).Add(time.Duration(i) * tick)
						before := inside(node.Time, at, from, to, inclusive, zone)
						after := inside(node.Time, at, *p.resolved.From, *p.resolved.To, inclusive, zone)
						if before != after {
							t.Fatalf("%s in %s: %s is in %s to %s (%s): %v; in %s to %s: %v", typ, name, at, from, to, inclusive, before, p.resolved.From, p.resolved.To, after)
						}
					}
				}
			}
		}
	}
	if moved == 0 {
		t.Error("no end was moved")
	}
}

// inside tells whether a time of the column is in a range, by what is compared in ClickHouse.
func inside(c *catalog.Column, at, from, to time.Time, inclusive string, zone *time.Location) bool {
	from, to = onColumn(c, from, zone), onColumn(c, to, zone)
	lower := at.After(from) || (inclusive == "left" || inclusive == "both") && at.Equal(from)
	upper := at.Before(to) || (inclusive == "right" || inclusive == "both") && at.Equal(to)
	return lower && upper
}

// Ends that depend on now are moved to ticks, all ends to what the catalog tolerates, and the
// answer says so.
func TestRounding(t *testing.T) {
	t.Parallel()
	parsed, err := store.ParseType("DateTime")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	now := at("2024-03-31T15:04:05.678Z")
	for _, test := range []struct {
		name      string
		given     Range
		tolerance time.Duration
		from, to  string
		rounded   contracts.Rounded
	}{
		{"now", Range{Last: "1h", To: "now"}, 0, "2024-03-31T14:04:06Z", "2024-03-31T15:04:06Z", contracts.Rounded{From: "1s", To: "1s", By: "column"}},
		{"with the end", Range{From: "2024-03-31", To: "now", Inclusive: "both"}, 0, "2024-03-31T00:00:00Z", "2024-03-31T15:04:05Z", contracts.Rounded{To: "1s", By: "column"}},
		{"as it is said", Range{From: "2024-03-31T00:00:00.5Z", To: "2024-03-31T01:00:00.5Z"}, 0, "2024-03-31T00:00:00.5Z", "2024-03-31T01:00:00.5Z", contracts.Rounded{}},
		{"tolerance", Range{Last: "1h", To: "now"}, 30 * time.Second, "2024-03-31T14:04:00Z", "2024-03-31T15:04:00Z", contracts.Rounded{From: "30s", To: "30s", By: "tolerance"}},
		{"tolerance of what is said", Range{From: "2024-03-31", To: "2024-03-31T01:00:31Z"}, 30 * time.Second, "2024-03-31T00:00:00Z", "2024-03-31T01:00:30Z", contracts.Rounded{To: "30s", By: "tolerance"}},
	} {
		p := &plan{node: &catalog.Node{Time: &catalog.Column{Name: "t", Type: parsed}, Tolerance: test.tolerance}, zone: time.UTC, now: now}
		if err := p.ranged(Query{Range: test.given}); err != nil {
			t.Fatal(err)
		}
		r := p.resolved
		if r.Rounded == nil {
			r.Rounded = &contracts.Rounded{}
		}
		if !r.From.Equal(at(test.from)) || !r.To.Equal(at(test.to)) || *r.Rounded != test.rounded {
			t.Errorf("%s: %s to %s, %+v", test.name, r.From.Format(time.RFC3339Nano), r.To.Format(time.RFC3339Nano), *r.Rounded)
		}
	}
}
