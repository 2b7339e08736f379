package contracts

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// pairs are the numbers from 00 to 99: digits are written two at a time.
var pairs = func() (pairs [100][2]byte) {
	for i := range pairs {
		pairs[i] = [2]byte{'0' + byte(i/10), '0' + byte(i%10)}
	}
	return pairs
}()

var powersOfTen = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// countDigits is the number of decimal digits of n.
func countDigits(n uint64) int {
	// 1233/4096 is log10(2), near enough for 64 bits; the guess is right or one too low.
	guess := bits.Len64(n|1) * 1233 >> 12
	if n >= powersOfTen[guess] {
		guess++
	}
	return max(1, guess)
}

// appendUint appends n in decimal.
func appendUint(dst []byte, n uint64) []byte {
	if n < 10 {
		return append(dst, '0'+byte(n))
	}
	return appendDigits(dst, n, countDigits(n))
}

// appendDigits appends the last count digits of n, of which there are 20 at most.
func appendDigits(dst []byte, n uint64, count int) []byte {
	const most = 20
	if cap(dst)-len(dst) < most {
		dst = slices.Grow(dst, most)
	}
	end := len(dst) + count
	putDigits(dst[len(dst):end], n)
	return dst[:end]
}

func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendUint(append(dst, '-'), -uint64(n))
	}
	return appendUint(dst, uint64(n))
}

// putDigits fills dst with the last digits of n.
func putDigits(dst []byte, n uint64) {
	for len(dst) >= 8 {
		rest := n / 1e8
		binary.LittleEndian.PutUint64(dst[len(dst)-8:], eightDigits(n-rest*1e8)|asciiZeros)
		n, dst = rest, dst[:len(dst)-8]
	}
	rest := uint32(n)
	for len(dst) >= 2 {
		next := rest / 100
		*(*[2]byte)(dst[len(dst)-2:]) = pairs[rest-next*100]
		rest, dst = next, dst[:len(dst)-2]
	}
	if len(dst) == 1 {
		dst[0] = '0' + byte(rest%10)
	}
}

const asciiZeros = 0x3030303030303030

// eightDigits are the eight digits of n, the first in the lowest byte. They are halved
// side by side: into four and four, two and two, one and one.
func eightDigits(n uint64) uint64 {
	fours := n / 10000
	fours |= (n - fours*10000) << 32
	hundreds := fours * 10486 >> 20 & 0x7f_0000_007f // for less than 10,000 the quotient by 100
	twos := hundreds | (fours-hundreds*100)<<16
	tens := twos * 103 >> 10 & 0x0f_000f_000f_000f // for less than 100 the quotient by 10
	return tens | (twos-tens*10)<<8
}

// blockSize is how much is copied at once of a text that is no longer: one copy of a
// fixed size costs less than finding out how much to copy.
const blockSize = 32

// appendBlock appends the first n bytes of text, which has blockSize bytes to read from
// or is no longer than n.
func appendBlock(dst, text []byte, n int) []byte {
	end := len(dst)
	if n > blockSize || len(text) < blockSize || cap(dst)-end < blockSize {
		return append(dst, text[:n]...)
	}
	// By words, because Go copies an array whose places may overlap by a function call.
	from, to := (*[blockSize]byte)(text), (*[blockSize]byte)(dst[end:end+blockSize])
	a, b := binary.NativeEndian.Uint64(from[:]), binary.NativeEndian.Uint64(from[8:])
	c, d := binary.NativeEndian.Uint64(from[16:]), binary.NativeEndian.Uint64(from[24:])
	binary.NativeEndian.PutUint64(to[:], a)
	binary.NativeEndian.PutUint64(to[8:], b)
	binary.NativeEndian.PutUint64(to[16:], c)
	binary.NativeEndian.PutUint64(to[24:], d)
	return dst[:end+n]
}
