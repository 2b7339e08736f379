package contracts

import (
	"math"
	"math/rand"
	"strconv"
	"testing"
)

// plainFloat is what appendFloat must write, by way of the standard library.
func plainFloat(v float64) string {
	a := math.Abs(v)
	if v == 0 && math.Signbit(v) {
		return "-0.0"
	}
	if a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func TestAppendFloatAgreesWithStrconv(t *testing.T) {
	try := func(v float64) {
		if g, w := string(appendFloat(nil, v, 64)), plainFloat(v); g != w {
			t.Fatalf("%x: %s want %s", math.Float64bits(v), g, w)
		}
	}
	r := rand.New(rand.NewSource(1))
	for range 300_000 {
		try(r.Float64() * 100)
		try(math.Float64frombits(r.Uint64()&(1<<52-1) | uint64(1003+r.Intn(75))<<52))
	}
	for range 100_000 {
		x := float64(r.Int63n(1e16)) / math.Pow10(r.Intn(20))
		try(x)
		try(-math.Nextafter(x, 1e300))
		try(math.Nextafter(x, 0))
		try(float64(r.Int63n(1 << 53)))
	}
	for e := 1; e < 2046; e++ {
		for _, d := range []int64{-2, -1, 0, 1, 2} {
			try(math.Float64frombits(uint64(int64(e)<<52 + d)))
		}
	}
	for _, v := range []float64{0, math.Copysign(0, -1), 1e15, 1e15 - 0.125, 1e13, 1e13 - 0.01, 1e-6, 9.999999999999999e-7, 0.1, 0.2, 0.3, 0.25, 100, 1e14, 1e21, 1e20, 123456789012345.6} {
		try(v)
	}
	for range 200_000 {
		n := r.Uint64() >> r.Intn(64)
		if g := string(appendUint(nil, n)); g != strconv.FormatUint(n, 10) {
			t.Fatal(n, g)
		}
		if g := string(appendInt(make([]byte, 0, r.Intn(40)), int64(n))); g != strconv.FormatInt(int64(n), 10) {
			t.Fatal(n, g)
		}
	}
	for i := uint64(0); i < 20; i++ {
		for d := uint64(0); d < 3; d++ {
			n := powersOfTen[i] - 1 + d
			if g := string(appendUint(nil, n)); g != strconv.FormatUint(n, 10) {
				t.Fatal(n, g)
			}
		}
	}
}

func TestInstantsAgreeWithAppendDay(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for _, digits := range []int{0, 3, 6, 9} {
		w := newInstants(digits, `"`)
		for i := range 400_000 {
			s := firstPlain + r.Int63n(endPlain-firstPlain)
			if i < 365242 {
				s = firstPlain + int64(i)*10*86400 + r.Int63n(86400)
			}
			f := uint64(r.Int63n(int64(powersOfTen[digits])))
			day, of := floorDiv(s, secondsPerDay)
			want := appendClock(append(appendDay([]byte{'"'}, day), 'T'), of)
			if digits > 0 {
				want = appendPadded(append(want, '.'), int64(f), digits)
			}
			want = append(want, 'Z', '"')
			if got := w.append(nil, uint64(s-firstPlain), f); string(got) != string(want) {
				t.Fatalf("%s want %s", got, want)
			}
		}
	}
}
