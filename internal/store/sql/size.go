package sql

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Size is a number of bytes, written with its unit: 2GB, 512 MiB, 1.5TB.
type Size int64

type sizeUnit struct {
	name  string
	bytes int64
}

// sizeUnits are the units from the greatest on. Those of a thousand and of 1,024 are told apart.
var sizeUnits = []sizeUnit{
	{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6},
	{"KiB", 1 << 10}, {"kB", 1e3}, {"B", 1},
}

// ParseSize reads a size. Capital and small letters are the same; a number alone is of bytes.
func ParseSize(text string) (Size, error) {
	end := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' && r != '_' })
	if end < 0 {
		end = len(text)
	}
	number, err := strconv.ParseFloat(strings.ReplaceAll(text[:end], "_", ""), 64)
	unit := strings.TrimSpace(text[end:])
	if unit == "" {
		unit = "B"
	}
	for _, u := range sizeUnits {
		if bytes := number * float64(u.bytes); err == nil && strings.EqualFold(u.name, unit) && bytes >= 1 && bytes < math.MaxInt64 {
			return Size(bytes), nil
		}
	}
	return 0, fmt.Errorf("%q is no size; write one such as 2GB, 512MiB or 1.5TB", text)
}

// UnmarshalText implements encoding.TextUnmarshaler. A zero is a size here.
func (s *Size) UnmarshalText(text []byte) (err error) {
	if string(text) == "0" {
		*s = 0
		return nil
	}
	*s, err = ParseSize(string(text))
	return err
}

// String writes the size exactly, in the greatest unit of which it is a whole number.
func (s Size) String() string {
	if s == 0 {
		return "0"
	}
	i := slices.IndexFunc(sizeUnits, func(u sizeUnit) bool { return int64(s)%u.bytes == 0 })
	return strconv.FormatInt(int64(s)/sizeUnits[i].bytes, 10) + " " + sizeUnits[i].name
}
