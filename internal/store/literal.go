package store

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// Literal reads a value from a request as a value of the type, to be compared with
// columns of it. The error says what would fit.
func (t Type) Literal(text string) (sql.Value, error) {
	literal := t.mapping().literal
	if literal == nil {
		return sql.Value{}, fmt.Errorf("a column of type %s cannot be compared with a value", t)
	}
	value, err := literal(t, text)
	if err != nil {
		return sql.Value{}, err
	}
	typ := t.Bare()
	switch t.Name {
	case "Enum8", "Enum16", "FixedString":
		typ = "String"
	case "DateTime":
		typ = "DateTime('UTC')"
	case "DateTime64":
		typ = fmt.Sprintf("DateTime64(%d, 'UTC')", t.Precision())
	case "BFloat16":
		typ = "Float32"
	}
	return sql.Value{Type: typ, Text: value}, nil
}

func literalString(_ Type, text string) (string, error) { return text, nil }

func literalFixed(t Type, text string) (string, error) {
	if n, err := strconv.Atoi(t.Args[0]); err == nil && len(text) > n {
		return "", fmt.Errorf("must have at most %d bytes", n)
	}
	return text, nil
}

func literalBool(_ Type, text string) (string, error) {
	if text != "true" && text != "false" {
		return "", fmt.Errorf("must be true or false")
	}
	return text, nil
}

func literalInteger(bits uint, signed bool) func(Type, string) (string, error) {
	one := big.NewInt(1)
	low, high := new(big.Int), new(big.Int).Lsh(one, bits)
	if signed {
		high.Rsh(high, 1)
		low.Neg(high)
	}
	high.Sub(high, one)
	return func(_ Type, text string) (string, error) {
		// Longer than any of these types can hold; spares the work of reading it.
		if len(text) > 80 {
			return "", fmt.Errorf("must be a whole number from %s to %s", low, high)
		}
		n, ok := new(big.Int).SetString(text, 10)
		if !ok || n.Cmp(low) < 0 || n.Cmp(high) > 0 {
			return "", fmt.Errorf("must be a whole number from %s to %s", low, high)
		}
		return n.String(), nil
	}
}

func literalFloat(bits int) func(Type, string) (string, error) {
	return func(_ Type, text string) (string, error) {
		v, err := strconv.ParseFloat(text, bits)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || strings.ContainsAny(text, "xXpP_") {
			return "", fmt.Errorf("must be a number such as 12.5 or -3e8")
		}
		return strconv.FormatFloat(v, 'g', -1, bits), nil
	}
}

var decimalText = regexp.MustCompile(`^([+-]?)0*(\d{0,76})(?:\.(\d{0,76}))?$`)

func literalDecimal(t Type, text string) (string, error) {
	precision, scale := t.digits()
	parts := decimalText.FindStringSubmatch(text)
	if parts == nil || parts[2]+parts[3] == "" && !strings.Contains(text, "0") ||
		len(parts[2]) > precision-scale || len(strings.TrimRight(parts[3], "0")) > scale {
		how := ""
		if strings.ContainsAny(text, "eE") {
			how = ", written without an exponent"
		}
		return "", fmt.Errorf("must be a decimal with at most %d digits before the point and %d after it%s", precision-scale, scale, how)
	}
	whole, fraction := cmp.Or(parts[2], "0"), strings.TrimRight(parts[3], "0")
	if fraction != "" {
		fraction = "." + fraction
	}
	return strings.TrimPrefix(parts[1], "+") + whole + fraction, nil
}

var uuidText = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)

func literalUUID(_ Type, text string) (string, error) {
	if !uuidText.MatchString(text) {
		return "", fmt.Errorf("must be a UUID such as 61f0c404-5cb3-11e7-907b-a6006ad3dba0")
	}
	return text, nil
}

func literalIP(version int) func(Type, string) (string, error) {
	return func(_ Type, text string) (string, error) {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" || version == 4 && !addr.Is4() {
			return "", fmt.Errorf("must be an IPv%d address", version)
		}
		return addr.String(), nil
	}
}

func literalEnum(t Type, text string) (string, error) {
	names := t.EnumNames()
	if !slices.Contains(names, text) {
		if near := contracts.Nearest(text, names); near != "" {
			return "", fmt.Errorf("must be one of %s; did you mean %q?", listed(names), near)
		}
		return "", fmt.Errorf("must be one of %s", listed(names))
	}
	return text, nil
}

// listed joins names for a message that a person reads.
func listed(names []string) string {
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// beyondNanoseconds tells whether an instant is finer than time.Parse reads it: it takes
// digits after the ninth, and drops them.
func beyondNanoseconds(text string) bool {
	_, fraction, _ := strings.Cut(text, ".")
	if end := strings.IndexAny(fraction, "Z+-"); end >= 0 {
		fraction = fraction[:end]
	}
	return len(strings.TrimRight(fraction, "0")) > 9
}

// literalTime reads an instant, or a date for midnight UTC, for a comparison that must
// match exactly; it refuses what the column could not hold.
func literalTime(t Type, text string) (string, error) {
	instant, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		instant, err = time.Parse(time.DateOnly, text)
	}
	date := t.Name == "Date" || t.Name == "Date32"
	switch {
	case err != nil && date:
		return "", fmt.Errorf("must be a date such as 2026-03-31")
	case err != nil || strings.Contains(text, ",") || len(text) > len("2026-03-31T09") && text[len("2026-03-31T09")] != ':':
		// time.Parse takes a comma for a point, and an hour of one digit.
		return "", fmt.Errorf("must be an instant such as 2026-03-31T09:30:00Z, or a date")
	case beyondNanoseconds(text):
		return "", fmt.Errorf("has more than nine digits after the second")
	}
	c := t.clock()
	if !c.floor(instant).Equal(instant) {
		return "", fmt.Errorf("is finer than the column, which holds %s", c.unitName)
	}
	if instant.Before(c.first) || instant.After(c.last) {
		return "", fmt.Errorf("must lie between %s and %s, which is what the column can hold",
			c.first.Format(c.layout), c.last.Format(c.layout))
	}
	return instant.UTC().Format(c.layout), nil
}
