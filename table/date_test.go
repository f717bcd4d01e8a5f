package table

import (
	"testing"
	"time"
)

// TestDates: a date is one exactly if it is in the calendar of package time, and as
// many days from 1970, from the year 0 to 9999.
func TestDates(t *testing.T) {
	for year := 0; year < 10000; year++ {
		for month := 1; month <= 12; month++ {
			last := time.Date(year, time.Month(month+1), 0, 0, 0, 0, 0, time.UTC)
			if got := daysOf(year, month); got != last.Day() {
				t.Fatalf("%d-%02d has %d days, want %d", year, month, got, last.Day())
			}
			if got, want := daysSince1970(year, month, last.Day()), last.Unix()/(24*60*60); got != want {
				t.Fatalf("%v is %d days from 1970, want %d", last, got, want)
			}
		}
	}
}
