package contracts

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// checkFloat64 holds the text of a number against the general routine: it reads back bit
// for bit, and has no more digits than the shortest form.
func checkFloat64(t *testing.T, v float64) {
	t.Helper()
	text := string(appendFloat(nil, v, 64))
	if math.IsNaN(v) || math.IsInf(v, 0) {
		if text != "null" {
			t.Fatalf("%v: %s", v, text)
		}
		return
	}
	back, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Float64bits(back) != math.Float64bits(v) || !json.Valid([]byte(text)) {
		t.Fatalf("%v (bits %x) is written as %s, which reads as %v, %v", v, math.Float64bits(v), text, back, err)
	}
	if shortest := strconv.FormatFloat(v, 'e', -1, 64); significant(text) != significant(shortest) {
		t.Fatalf("%v is written as %s, the shortest form is %s", v, text, shortest)
	}
}

func checkFloat32(t *testing.T, v float32) {
	t.Helper()
	text := string(appendFloat(nil, float64(v), 32))
	if v != v || math.IsInf(float64(v), 0) {
		if text != "null" {
			t.Fatalf("%v: %s", v, text)
		}
		return
	}
	back, err := strconv.ParseFloat(text, 32)
	if err != nil || math.Float32bits(float32(back)) != math.Float32bits(v) || !json.Valid([]byte(text)) {
		t.Fatalf("%v is written as %s, which reads as %v, %v", v, text, back, err)
	}
	if shortest := strconv.FormatFloat(float64(v), 'e', -1, 32); significant(text) != significant(shortest) {
		t.Fatalf("%v is written as %s, the shortest form is %s", v, text, shortest)
	}
}

// significant are the digits of a number without point, exponent and zeros at its ends.
func significant(text string) string {
	text, _, _ = strings.Cut(text, "e")
	return strings.Trim(strings.ReplaceAll(strings.TrimPrefix(text, "-"), ".", ""), "0")
}

var floats = []float64{
	0, math.Copysign(0, -1), 1, -1, 0.1, 0.2, 0.1 + 0.2, 1.005, 123.45, -0.05, 1e-6, 1e-7, 9.99999e-7, 1e15, 1e15 - 1, 1e15 - 0.25,
	999999999999999.9, 1e16, 1e20, 1e21, 1e22, 9007199254740993, 4503599627370497.5, 0.000001, 1.000001, 12345.678901,
	math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 2.2250738585072014e-308, math.Pi, math.NaN(), math.Inf(1), math.Inf(-1),
	math.MaxFloat32, math.SmallestNonzeroFloat32, 16777217, 0.3, 33554431.99,
}

func FuzzAppendFloat(f *testing.F) {
	for _, v := range floats {
		f.Add(math.Float64bits(v))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		checkFloat64(t, math.Float64frombits(bits))
		checkFloat32(t, math.Float32frombits(uint32(bits)))
		checkFloat32(t, float32(math.Float64frombits(bits)))
	})
}

// The short decimals that the fast way is for, and their neighbours, which it must leave
// to the general one.
func TestAppendFloat(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, v := range floats {
		checkFloat64(t, v)
		checkFloat32(t, float32(v))
	}
	for range 20_000 {
		n := float64(random.Int64N(1 << random.IntN(60)))
		for _, factor := range []float64{1, 10, 100, 1e3, 1e6, 1e7} {
			v := n / factor
			checkFloat64(t, v)
			checkFloat64(t, -math.Nextafter(v, math.Inf(1)))
			checkFloat64(t, math.Nextafter(v, math.Inf(-1)))
		}
		checkFloat64(t, math.Float64frombits(random.Uint64()))
		checkFloat64(t, float64(random.Uint64()>>11)/(1<<53)) // with all its digits
		checkFloat32(t, math.Float32frombits(random.Uint32()))
	}
}
