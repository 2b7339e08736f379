package catalog

import (
	"regexp"
	"slices"
	"strings"
)

// units are what the last word of a column's name says of its values. Words that mean other
// things as often, such as min and m, are not among them.
func units() map[string]string {
	return map[string]string{
		"usd": "USD", "eur": "EUR", "gbp": "GBP", "chf": "CHF", "jpy": "JPY", "cny": "CNY", "cad": "CAD", "aud": "AUD",
		"pct": "%", "percent": "%", "percentage": "%", "bps": "bp", "ppm": "ppm",
		"ns": "ns", "nanos": "ns", "nanoseconds": "ns", "micros": "µs", "microseconds": "µs", "ms": "ms", "millis": "ms", "milliseconds": "ms",
		"sec": "s", "secs": "s", "seconds": "s", "mins": "min", "minutes": "min", "hours": "h", "days": "d",
		"bytes": "B", "kb": "kB", "mb": "MB", "gb": "GB", "tb": "TB", "kib": "KiB", "mib": "MiB", "gib": "GiB", "bits": "bit",
		"celsius": "°C", "fahrenheit": "°F", "kelvin": "K", "degrees": "°", "deg": "°", "latitude": "°", "longitude": "°",
		"mm": "mm", "cm": "cm", "km": "km", "meters": "m", "metres": "m", "miles": "mi", "kmh": "km/h", "mph": "mph",
		"kg": "kg", "grams": "g", "lbs": "lb", "hpa": "hPa",
		"hz": "Hz", "khz": "kHz", "mhz": "MHz", "ghz": "GHz", "rpm": "rpm", "volts": "V", "amps": "A", "watts": "W", "kw": "kW", "kwh": "kWh", "mwh": "MWh",
	}
}

// likelyUnit is the unit that a column's name says, or nothing.
func likelyUnit(c foundColumn) string {
	words := words(c.Name)
	if !c.typ.Numeric() || len(words) == 0 {
		return ""
	}
	if len(words) == 1 && slices.Contains([]string{"lat", "lon", "lng"}, words[0]) {
		return "°"
	}
	return units()[words[len(words)-1]]
}

var barLength = regexp.MustCompile(`^([1-9][0-9]?)(s|m|min|h|d|w)$`)

// likelyFrequency is how often there is an observation, by what names say: those of the
// table and of the time column, and of a column of dates that a day is the least.
func likelyFrequency(table string, time *foundColumn) string {
	for _, word := range words(table) {
		if m := barLength.FindStringSubmatch(word); m != nil {
			return m[1] + strings.TrimSuffix(m[2], "in")
		}
	}
	for _, word := range append(words(table), words(time.Name)...) {
		switch word {
		case "minutely", "minute":
			return "1m"
		case "hourly", "hour":
			return "1h"
		case "daily", "day":
			return "1d"
		case "weekly", "week":
			return "1w"
		case "monthly", "month":
			return "1mo"
		case "quarterly", "quarter":
			return "1q"
		case "yearly", "annual", "year":
			return "1y"
		}
	}
	if isDate(time.typ) {
		return "1d"
	}
	return ""
}

// likelyParents are the tables that a column such as customer_id may refer to, by name in
// small letters, the likeliest first: billing_customer_id may mean customers too.
func likelyParents(column string) []string {
	words := words(column)
	if len(words) < 2 || !slices.Contains([]string{"id", "uuid", "key", "code"}, words[len(words)-1]) {
		return nil
	}
	words = words[:len(words)-1]
	var tables []string
	for i := range words {
		stem := strings.Join(words[i:], "_")
		tables = append(tables, stem+"s", stem, stem+"es", "dim_"+stem, "dim_"+stem+"s")
		if y, ok := strings.CutSuffix(stem, "y"); ok {
			tables = append(tables, y+"ies")
		}
	}
	return tables
}
