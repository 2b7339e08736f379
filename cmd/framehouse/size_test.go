package main

import "testing"

func TestCacheSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]cacheSize{"0": 0, "1MB": 1e6, "256MB": 256e6, "1GiB": 1 << 30, "2000000": 2e6} {
		var got cacheSize
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1MB", "1", "999kB", "2TB", "many"} {
		var got cacheSize
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}
