package main

import (
	"fmt"

	"framehouse/internal/store/sql"
)

// cacheSize is the size of a cache, or zero for none.
type cacheSize int64

// A cache below the one holds hardly an answer, and no machine has memory for one beyond the
// other.
const (
	smallestCache = 1_000_000
	largestCache  = 1_000_000_000_000
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *cacheSize) UnmarshalText(text []byte) error {
	if string(text) == "0" {
		*s = 0
		return nil
	}
	size, err := sql.ParseSize(string(text))
	if err != nil || size < smallestCache || size > largestCache {
		return fmt.Errorf("%q is no size of a cache; write one from 1MB to 1TB, such as 64MB, or 0 for none", text)
	}
	*s = cacheSize(size)
	return nil
}
