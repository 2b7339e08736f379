package contracts

import "strings"

// Nearest returns the candidate that name was most likely meant to be, or "" when
// none is close: a third of its letters may differ, one at least, and case never counts.
// What a name begins with is as close as one letter.
func Nearest(name string, candidates []string) string {
	if name == "" || len(name) > longestCompared {
		return ""
	}
	name = strings.ToLower(name)
	best, bestDistance := "", max(1, len(name)/3)
	for _, candidate := range candidates {
		lower := strings.ToLower(candidate)
		d := distance(name, lower)
		if len(name) > 2 && strings.HasPrefix(lower, name) {
			d = min(d, 1)
		}
		if d <= bestDistance && (best == "" || d < bestDistance) {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// longestCompared bounds the work of distance: names are short, and a hostile
// parameter name is not worth a quadratic comparison. A longer one is near nothing.
const longestCompared = 64

// distance is the number of letters to insert, delete or replace to get from a to b,
// two swapped neighbours counting once (optimal string alignment).
func distance(a, b string) int {
	if len(b) > longestCompared {
		return len(b)
	}
	var before []int
	previous, current := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			replace := previous[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			current[j] = min(previous[j]+1, current[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, make([]int, len(b)+1)
	}
	return previous[len(b)]
}
