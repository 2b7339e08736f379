package timeseries

import (
	"math"
	"strconv"
	"strings"
	"time"

	"framehouse/internal/store/sql"
)

// grid is the buckets of a calendar over some time, in ticks of a column. It is told to
// ClickHouse as numbers: which bucket a time is in is decided here alone.
type grid struct {
	step    int64 // length of most buckets; zero when no two need be alike
	runs    []run
	counted bool // whether the bucket of a time can be told by counting from the first
}

// run is buckets of the same length, each of which begins where the one before ends. One of
// a length that is not the grid's step stands alone.
type run struct {
	start, step, count int64
	position           int64 // of the first, among all buckets of the grid
}

// ticker counts ticks since 1970.
type ticker time.Duration

// count is the number of ticks, or the greatest there is: nanoseconds end in 2262, within
// the last bucket.
func (k ticker) count(t time.Time) int64 {
	if second := int64(time.Second / time.Duration(k)); second > 0 {
		if t.Unix() >= math.MaxInt64/second {
			return math.MaxInt64
		}
		return t.Unix()*second + int64(t.Nanosecond())/int64(k)
	}
	length := int64(time.Duration(k) / time.Second)
	return (t.Unix() - mod(t.Unix(), length)) / length
}

// time is the time of a number of ticks.
func (k ticker) time(n int64) time.Time {
	if second := int64(time.Second / time.Duration(k)); second > 0 {
		part := mod(n, second)
		return time.Unix((n-part)/second, part*int64(k)).UTC()
	}
	return time.Unix(n*int64(time.Duration(k)/time.Second), 0).UTC()
}

// newGrid is the grid of the buckets from the one that begins at first to the one after
// that which holds last.
func newGrid(c calendar, first, last time.Time, tick ticker) grid {
	g := grid{step: int64(c.nominal() / time.Duration(tick))}
	position := int64(0)
	add := func(r run) {
		r.position = position
		position += r.count
		if n := len(g.runs); n > 0 && r.step == g.step && g.runs[n-1].step == g.step {
			g.runs[n-1].count += r.count
			return
		}
		g.runs = append(g.runs, r)
	}
	for b, over := first, false; !over; {
		over = b.After(last)
		next := c.next(b)
		r := run{start: tick.count(b), step: tick.count(next) - tick.count(b), count: 1}
		if tick.count(next) == math.MaxInt64 && g.step > 0 {
			r.step = g.step // as it would be if it did not end there
		}
		if _, change := zoneBounds(b, c.zone); r.step == g.step && g.step > 0 && !over {
			// As long as clocks are not changed all buckets are like this one.
			if change.IsZero() || change.After(last) {
				change = last
			}
			nominal := c.nominal().Milliseconds()
			if n := (change.UnixMilli() - 1 - b.UnixMilli()) / nominal; n > 1 {
				r.count = n
				next = time.UnixMilli(b.UnixMilli() + n*nominal).UTC()
			}
		}
		add(r)
		b = next
	}
	return g
}

// buckets is how many there are.
func (g grid) buckets() int64 {
	last := g.runs[len(g.runs)-1]
	return last.position + last.count
}

// single tells whether all buckets are alike.
func (g grid) single() bool { return len(g.runs) == 1 && g.step > 0 && g.runs[0].step == g.step }

// count makes the grid tell buckets by counting from the first, if they are alike and no
// observation lies before: division rounds towards zero. Unless times are known to be small,
// a difference with a time before 1970 may be more than 64 bits hold.
func (g *grid) count(noneBefore, small bool) {
	g.counted = g.single() && noneBefore && (small || g.runs[0].start >= 0)
}

// keyOf tells the buckets of times apart, and startOfKey says where the bucket of a key
// begins, which this way is not reckoned for each observation.
func (g grid) keyOf(x sql.Expr) sql.Expr {
	if !g.counted {
		return g.startOf(x)
	}
	return sql.Call("intDiv", minus(x, number(g.runs[0].start)), number(g.step))
}

func (g grid) startOfKey(key sql.Expr) sql.Expr {
	if !g.counted {
		return key
	}
	return plus(times(key, number(g.step)), number(g.runs[0].start))
}

// startOf is the beginning of the bucket that a time is in, all in ticks.
func (g grid) startOf(x sql.Expr) sql.Expr {
	if g.single() {
		return minus(x, sql.Call("positiveModulo", minus(x, number(mod(g.runs[0].start, g.step))), number(g.step)))
	}
	begin := sql.Call("roundDown", x, g.starts())
	if g.step == 0 {
		return begin
	}
	// Within a run every step begins a bucket. Where one is longer than a step there is no
	// bucket at the times that would be reached.
	start := plus(begin, times(sql.Call("intDiv", minus(x, begin), number(g.step)), number(g.step)))
	var strays, owners []int64
	for _, r := range g.runs {
		for stray := r.start + g.step; r.count == 1 && stray < r.start+r.step; stray += g.step {
			strays, owners = append(strays, stray), append(owners, r.start)
		}
	}
	if len(strays) == 0 {
		return start
	}
	return sql.Call("transform", start, numbers(strays), numbers(owners), start)
}

// positionOf is which bucket begins at a tick, and startAt the reverse.
func (g grid) positionOf(start sql.Expr) sql.Expr {
	if g.single() {
		return sql.Call("intDiv", minus(start, number(g.runs[0].start)), number(g.step))
	}
	begin := sql.Call("roundDown", start, g.starts())
	position := sql.Call("transform", begin, g.starts(), g.positions(), begin)
	if g.step == 0 {
		return position
	}
	return plus(position, sql.Call("intDiv", minus(start, begin), number(g.step)))
}

func (g grid) startAt(position sql.Expr) sql.Expr {
	if g.single() {
		return plus(number(g.runs[0].start), times(position, number(g.step)))
	}
	first := sql.Call("roundDown", position, g.positions())
	start := sql.Call("transform", first, g.positions(), g.starts(), first)
	if g.step == 0 {
		return start
	}
	return plus(start, times(minus(position, first), number(g.step)))
}

// endOf is where the bucket ends that begins at a tick.
func (g grid) endOf(start sql.Expr) sql.Expr {
	end := plus(sql.Call("least", start, number(math.MaxInt64-g.step)), number(g.step))
	if g.single() {
		return end
	}
	var starts, ends []int64
	for _, r := range g.runs {
		if r.step != g.step || g.step == 0 {
			starts, ends = append(starts, r.start), append(ends, r.start+r.step)
		}
	}
	return sql.Call("transform", start, numbers(starts), numbers(ends), end)
}

func (g grid) starts() sql.Value {
	all := make([]int64, len(g.runs))
	for i, r := range g.runs {
		all[i] = r.start
	}
	return numbers(all)
}

func (g grid) positions() sql.Value {
	all := make([]int64, len(g.runs))
	for i, r := range g.runs {
		all[i] = r.position
	}
	return numbers(all)
}

func number(n int64) sql.Value { return sql.Value{Type: "Int64", Text: strconv.FormatInt(n, 10)} }

func numbers(all []int64) sql.Value {
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = strconv.FormatInt(n, 10)
	}
	return sql.Value{Type: "Array(Int64)", Text: "[" + strings.Join(texts, ",") + "]"}
}

func plus(a, b sql.Expr) sql.Expr  { return sql.Call("plus", a, b) }
func minus(a, b sql.Expr) sql.Expr { return sql.Call("minus", a, b) }
func times(a, b sql.Expr) sql.Expr { return sql.Call("multiply", a, b) }
