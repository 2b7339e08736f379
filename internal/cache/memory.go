package cache

import "github.com/maypok86/otter/v2"

// Memory remembers what was found out about requests, by their text, in the part of a cache
// that is left for it. What it holds may be dropped at any time.
type Memory[V any] struct {
	values *otter.Cache[string, V]
}

// NewMemory returns a memory in a cache.
func NewMemory[V any](c *Cache) *Memory[V] {
	return &Memory[V]{otter.Must(&otter.Options[string, V]{
		MaximumWeight: uint64(c.memory),
		Executor:      atOnce,
		Weigher:       func(text string, _ V) uint32 { return uint32(len(text) + overhead) },
	})}
}

// Get returns what is remembered.
func (m *Memory[V]) Get(text string) (V, bool) { return m.values.GetIfPresent(text) }

// Put remembers.
func (m *Memory[V]) Put(text string, value V) { m.values.Set(text, value) }
