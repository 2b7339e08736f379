// Package cache keeps answers and pieces of them, and lets those who ask the same at the same
// time share one. It knows keys, headers and bodies, and nothing of where they come from or go
// to.
//
// It promises that what it keeps, and what it holds for readers that are slow, stay within
// bounds in bytes; that an answer which was not finished, or was none, is never kept; and that
// nobody waits for the reader of another's answer. Whether an answer is still true is not its
// affair: a key holds the version of all that the answer rests on, so that one which is out of date
// is not asked for again, and who makes answers from pieces looks at the version of each.
package cache

import (
	"slices"

	"github.com/maypok86/otter/v2"
)

// Key tells answers apart.
type Key [32]byte

// Field is a header and its value.
type Field struct{ Name, Value string }

// Answer is an answer as it goes out, whole.
type Answer struct {
	Header []Field
	Coding string // content coding of Body; empty for none
	Body   []byte
}

// Value is that of a header, or empty.
func (a *Answer) Value(name string) string {
	i := slices.IndexFunc(a.Header, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return ""
	}
	return a.Header[i].Value
}

// Cache keeps answers and pieces of them. Which are dropped when there is no room is decided by
// how often and how lately they were asked for, so that a client that reads everything once
// drives nothing out.
type Cache struct {
	kept     *otter.Cache[place, weighed]
	largest  int
	memory   int64
	underWay int64 // bytes that all flights may hold
	flights  flights
}

// weighed is what is kept: an answer, or a piece of answers.
type weighed interface {
	weight() int // in bytes
}

func (a *Answer) weight() int { return cap(a.Body) }

// place is where an answer is kept: each content coding has one of its own.
type place struct {
	key    Key
	coding string
}

// No single answer takes more of the cache than one part in so many, nor more than this.
// Answers of this size take ClickHouse so long that to ask it again is no matter.
const (
	parts       = 16
	largestBody = 8 << 20
)

// memoryPart is the part of a cache, one in so many, that is left for a Memory.
const memoryPart = 32

// underWayPart is how much more than a cache, one part of it in so many, answers under way may
// take before they are made no faster than they are read.
const underWayPart = 2

// overhead is about what an answer takes beside its body: its key, its headers and its place
// in the library's lists.
const overhead = 1 << 10

// New returns a cache of so many bytes.
func New(bytes int64) *Cache {
	return &Cache{
		kept: otter.Must(&otter.Options[place, weighed]{
			Executor:      atOnce,
			MaximumWeight: uint64(bytes - bytes/memoryPart),
			Weigher:       func(_ place, a weighed) uint32 { return uint32(a.weight() + overhead) },
		}),
		largest:  int(min(bytes/parts, largestBody)),
		memory:   bytes / memoryPart,
		underWay: bytes / underWayPart,
		flights:  flights{under: map[way]*Flight{}},
	}
}

// tooLarge stands for an answer that is not kept, so that nobody waits for it in vain.
var tooLarge = &Answer{}

// atOnce does the library's upkeep where it falls due. On a goroutine of its own it comes
// late on a busy machine, and by then it is forgotten what was asked for often: a scan then
// drove out four of five answers that were in use, and this way none.
func atOnce(do func()) { do() }

// Get returns the answer that is kept for a key in a coding, or nil. large tells that it is
// known to be too large to be kept.
func (c *Cache) Get(key Key, coding string) (answer *Answer, large bool) {
	kept, _ := c.kept.GetIfPresent(place{key, coding})
	a, _ := kept.(*Answer)
	if a == tooLarge {
		return nil, true
	}
	return a, false
}

// Put keeps an answer in a coding, unless it is too large.
func (c *Cache) Put(key Key, coding string, a *Answer) {
	if len(a.Body) > c.largest {
		return
	}
	c.kept.Set(place{key, coding}, a)
}

// Fits tells whether a body of so many bytes can be kept.
func (c *Cache) Fits(bytes int) bool { return bytes <= c.largest }

// Bytes is about how much is kept.
func (c *Cache) Bytes() uint64 {
	c.kept.CleanUp()
	return c.kept.WeightedSize()
}
