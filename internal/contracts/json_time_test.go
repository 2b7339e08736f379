package contracts

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

func TestAppendDay(t *testing.T) {
	t.Parallel()
	day := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	var got, want []byte
	for ; day.Year() <= 9999; day = day.AddDate(0, 0, 1) {
		got = appendDay(got[:0], day.Unix()/secondsPerDay)
		if want = day.AppendFormat(want[:0], time.DateOnly); !bytes.Equal(got, want) {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	// Beyond, the years have more digits and a sign; 400 years are always the same days.
	for _, era := range []int64{-1000, -25, -1, 25, 26, 1_000_000} {
		for _, day := range []int64{0, 59, 60, 364, 365, 366, 1154, 146096} {
			start := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(day))
			want := fmt.Sprintf("%+07d", int64(start.Year())+era*400) + start.Format("-01-02")
			if got := string(appendDay(nil, start.Unix()/secondsPerDay+era*146097)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
}

func TestAppendClock(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int64]string{
		0: "00:00:00", 1: "00:00:01", 59: "00:00:59", 60: "00:01:00", 3600: "01:00:00", 86399: "23:59:59",
	} {
		if got := string(appendClock(nil, seconds)); got != want {
			t.Errorf("%d: got %s, want %s", seconds, got, want)
		}
	}
}
