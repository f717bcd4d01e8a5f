package dataset

import (
	"strconv"
	"strings"
	"time"

	"github.com/dlam-go/dlam/table"
)

// yearMonth is the layout of months of years that are counted: 1-01, 3-12.
const yearMonth = "year-month"

// dateLayouts are how dates are written beside ISO 8601, as package time says it.
// Where the month and the day could be either, the month comes first between slashes.
var dateLayouts = withTimes("1/2/2006", "2/1/2006", "2.1.2006", "2-1-2006", "1-2-2006", "1/2/06", "2/1/06", "2.1.06",
	"2-Jan-2006", "2-Jan-06", "2 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "Jan 2006", "January 2006", "Jan-06", "Jan-2006")

func withTimes(dates ...string) (all []string) {
	for _, d := range dates {
		for _, clock := range []string{"", " 15:04", " 15:04:05", " 3:04 PM", " 3:04:05 PM"} {
			all = append(all, d+clock)
		}
	}
	return append(all, yearMonth)
}

// dateLayout is the layout in which all texts are dates, "" if there is none. Texts
// that say that there is no value are not looked at.
func dateLayout(texts []string) string {
	for _, layout := range dateLayouts {
		found := false
		for _, text := range texts {
			if table.IsMissing([]byte(text)) {
				continue
			}
			if _, found = parseDate(text, layout); !found {
				break
			}
		}
		if found {
			return layout
		}
	}
	return ""
}

// parseDate is the time, in seconds since 1970, that a text is in a layout, or as ISO
// 8601 writes it.
func parseDate(text, layout string) (seconds float64, ok bool) {
	if v, ok := table.ParseTime([]byte(text)); ok {
		return float64(v) / 1e6, true
	}
	switch layout {
	case "":
		return 0, false
	case yearMonth:
		year, month, _ := strings.Cut(text, "-")
		y, err := strconv.ParseUint(year, 10, 16)
		m, fault := strconv.ParseUint(month, 10, 8)
		if err != nil || fault != nil || len(year) > 3 || len(month) != 2 || m < 1 || m > 12 {
			return 0, false
		}
		return float64(time.Date(int(y), time.Month(m), 1, 0, 0, 0, 0, time.UTC).Unix()), true
	}
	t, err := time.Parse(layout, text)
	return float64(t.UnixMicro()) / 1e6, err == nil
}
