package table

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"time"
)

// maxExact is up to where float64 holds every integer.
const maxExact = 1 << 53

// maxScale is the greatest power of ten that a number in decimal form is divided
// by: float64 holds it exactly, so the quotient is the decimal number rounded once.
const maxScale = 22

// number is a number as it was parsed: the integer over 10^scale, exactly, or a
// float64.
type number struct {
	integer  int64
	scale    int // 0 to maxScale; if above 0, integer is at most maxExact
	float    float64
	isFloat  bool
	rounded  bool // an integer beyond 64 bits, which others may be equal to as a float64
	fraction bool // a float that is not whole
}

// parseNumber reads a decimal number: digits with a decimal sign (a point, or what
// point says), an exponent, or inf. It takes no hexadecimal digits, no underscores
// and no NaN.
func parseNumber(b []byte, point byte) (n number, ok bool) {
	i, negative := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		i, negative = 1, b[0] == '-'
	}
	var v int64
	digits, scale := 0, 0
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		v = v*10 + int64(b[i]-'0')
		digits++
	}
	if i < len(b) && b[i] == point {
		for i++; i < len(b) && b[i]-'0' <= 9; i++ {
			v = v*10 + int64(b[i]-'0')
			digits++
			scale++
		}
	}
	if digits == 0 {
		return parseInfinity(b)
	}
	exponent := 0
	if i < len(b) {
		if exponent, ok = parseExponent(b[i:]); !ok {
			return n, false
		}
	}
	if negative {
		v = -v
	}
	if digits > 18 { // v may have overflowed
		return parseLong(b, point)
	}
	scale -= exponent
	for ; scale < 0 && math.MinInt64/10 <= v && v <= math.MaxInt64/10 && v != 0; scale++ {
		v *= 10
	}
	if v == 0 {
		return number{}, true
	}
	if scale < 0 || scale > maxScale || scale > 0 && (v > maxExact || v < -maxExact) {
		return parseLong(b, point)
	}
	return number{integer: v, scale: scale}, true
}

// parseDecimal reads a number that is written with at most 15 digits, which float64
// holds exactly, and no exponent: v / 10^scale. Others are not ok.
func parseDecimal(b []byte, point byte) (v int64, scale int, ok bool) {
	digits, negative := b, false
	if len(b) > 0 && b[0] == '-' {
		digits, negative = b[1:], true
	}
	if len(digits) == 0 || len(digits) > 16 {
		return 0, 0, false
	}
	at := -1 // of the point
	for i, c := range digits {
		if d := c - '0'; d <= 9 {
			v = v*10 + int64(d)
		} else if c == point && at < 0 {
			at = i
		} else {
			return 0, 0, false
		}
	}
	if at >= 0 {
		scale = len(digits) - 1 - at
	}
	if negative {
		v = -v
	}
	return v, scale, at >= 0 && len(digits) > 1 || at < 0 && len(digits) < 16
}

// parseExponent reads an exponent that takes up all of b.
func parseExponent(b []byte) (e int, ok bool) {
	if b[0] != 'e' && b[0] != 'E' || len(b) < 2 {
		return 0, false
	}
	b = b[1:]
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, false
	}
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		e = min(e*10+int(c-'0'), 1<<20)
	}
	if negative {
		e = -e
	}
	return e, true
}

// parseInfinity reads inf and infinity in any case.
func parseInfinity(b []byte) (number, bool) {
	if len(b) == 0 {
		return number{}, false
	}
	sign, word := 1, b
	if b[0] == '-' || b[0] == '+' {
		word = b[1:]
		if b[0] == '-' {
			sign = -1
		}
	}
	if len(word) != len("inf") && len(word) != len("infinity") || word[0]|0x20 != 'i' {
		return number{}, false
	}
	if _, err := strconv.ParseFloat(string(word), 64); err != nil {
		return number{}, false
	}
	return floatNumber(math.Inf(sign)), true
}

// parseLong reads a number that is known to be one, of many digits or a large
// exponent.
func parseLong(b []byte, point byte) (number, bool) {
	text := b
	if point != '.' {
		text = bytes.ReplaceAll(b, []byte{point}, []byte{'.'})
	}
	f, _ := strconv.ParseFloat(string(text), 64) // out of range it is infinite, or 0
	n := floatNumber(f)
	if n.fraction && !math.IsInf(f, 0) {
		return n, true
	}
	whole := !bytes.ContainsAny(text, ".eE")
	fraction := !whole && hasFraction(text)
	if !fraction && !bytes.ContainsAny(text, "eE") {
		integer, _, _ := bytes.Cut(text, []byte{'.'})
		if v, err := strconv.ParseInt(string(integer), 10, 64); err == nil {
			return number{integer: v}, true
		}
	}
	n.fraction = n.fraction || fraction
	n.rounded = n.rounded || whole
	return n, true
}

// hasFraction reports whether a number, written with a point, is not whole, as its
// float64 may be by rounding: whether a digit other than 0 is behind the point, once
// the exponent has moved that.
func hasFraction(text []byte) bool {
	digits, last, whole, exponent := 0, 0, -1, 0
	for i, c := range text {
		if c|0x20 == 'e' {
			exponent, _ = parseExponent(text[i:])
			break
		}
		if c == '.' {
			whole = digits
		} else if c-'0' <= 9 {
			digits++
			if c != '0' {
				last = digits
			}
		}
	}
	if whole < 0 {
		whole = digits
	}
	return last > 0 && last-whole > exponent
}

// floatNumber is a number from a float64.
func floatNumber(f float64) number {
	n := number{float: f, isFloat: true, fraction: f != math.Trunc(f) || math.IsInf(f, 0)}
	n.rounded = !n.fraction && math.Abs(f) >= 1<<63
	return n
}

// value is n as a float64.
func (n number) value() float64 {
	if n.isFloat {
		return n.float
	}
	return float64(n.integer) / powers[n.scale]
}

// powers are those of ten, all exact.
var powers = [maxScale + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// tens are powers of ten as integers.
var tens = [19]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// IsNumber reports whether a text is a number, with a point for a decimal sign, and
// whether it is written as an integer.
func IsNumber(text []byte, point byte) (is, integer bool) {
	if _, ok := parseNumber(text, point); !ok {
		return false, false
	}
	for _, c := range text {
		if c == point || c|0x20 == 'e' || c|0x20 == 'i' {
			return true, false
		}
	}
	return true, true
}

// IsMissing reports whether a text says that there is no value.
func IsMissing(text []byte) bool { return isMissing(text) || string(text) == "-" }

// isMissing is IsMissing, but for "-", which may be a name.
func isMissing(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	switch b[0] {
	case 'N', 'n', '#', '<', '-', '1', '?':
	default:
		return false
	}
	return slices.Contains(missingTexts, string(b))
}

// missingTexts say that there is no value.
var missingTexts = []string{
	"?", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "NULL", "Null", "null", "<NA>", "#N/A", "#NA", "#N/A N/A",
	"-nan", "-NaN", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN",
}

// MissingTexts are all texts of which IsMissing says that there is no value.
func MissingTexts() []string { return append([]string{"", "-"}, missingTexts...) }

// IsBoolean reports whether a text is a truth value.
func IsBoolean(text []byte) bool {
	_, ok := parseBoolean(text)
	return ok
}

// parseBoolean reads True, TRUE, true, False, FALSE, false.
func parseBoolean(b []byte) (v, ok bool) {
	switch string(b) {
	case "True", "TRUE", "true":
		return true, true
	case "False", "FALSE", "false":
		return false, true
	}
	return false, false
}

// IsTime reports whether a text is a time.
func IsTime(text []byte) bool {
	_, ok := ParseTime(text)
	return ok
}

// ParseTime is the date, month or time of ISO 8601 that a text is, in microseconds
// since 1970 in UTC: 2024-05-01, 2024/5/1, 2024-05, 2024-05-01 13:30, 2024-05-01T13:30:05.25Z.
func ParseTime(b []byte) (micros int64, ok bool) {
	if len(b) < len("2024-05") || b[4] != '-' && b[4] != '/' {
		return 0, false
	}
	p := timeParser{rest: b}
	year := p.digits(4, 4)
	sign := p.rest[0]
	p.rest = p.rest[1:]
	month, day := p.digits(1, 2), 1
	var ofDay time.Duration
	switch {
	case len(p.rest) == 0: // a month
		if sign != '-' {
			return 0, false
		}
	case p.rest[0] != sign:
		return 0, false
	default:
		p.rest = p.rest[1:]
		day = p.digits(1, 2)
		ofDay = p.ofDay()
	}
	if p.bad || len(p.rest) > 0 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month) {
		return 0, false
	}
	const ofADay = 24 * 60 * 60 * 1e6
	return daysSince1970(year, month, day)*ofADay + ofDay.Microseconds(), true
}

// daysOf is how many days a month has.
func daysOf(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 is the days from 1970-01-01 to a date of the years from 0 on.
func daysSince1970(year, month, day int) int64 {
	if month < 3 { // years that begin with March have the day that some lack at their end
		year, month = year-1, month+12
	}
	const cycle = 146097 // days of 400 years, by which y is not negative
	y := int64(year + 400)
	return y*365 + y/4 - y/100 + y/400 + int64((153*month-457)/5) + int64(day) - 719469 - cycle
}

// timeParser reads what is left of a time.
type timeParser struct {
	rest []byte
	bad  bool
}

// digits reads a number of least to most digits.
func (p *timeParser) digits(least, most int) (v int) {
	n := 0
	for n < len(p.rest) && n < most && p.rest[n]-'0' <= 9 {
		v = v*10 + int(p.rest[n]-'0')
		n++
	}
	p.bad = p.bad || n < least
	p.rest = p.rest[n:]
	return v
}

// next passes over c, if it is what follows.
func (p *timeParser) next(c byte) bool {
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// below is v, which must be below limit.
func (p *timeParser) below(v, limit int) time.Duration {
	p.bad = p.bad || v >= limit
	return time.Duration(v)
}

// ofDay reads the time of day, if there is one, and its zone.
func (p *timeParser) ofDay() time.Duration {
	if !p.next('T') && !p.next(' ') {
		return 0
	}
	t := p.below(p.digits(1, 2), 24) * time.Hour
	p.bad = p.bad || !p.next(':')
	t += p.below(p.digits(2, 2), 60) * time.Minute
	if p.next(':') {
		t += p.below(p.digits(2, 2), 61) * time.Second
		if p.next('.') {
			before := len(p.rest)
			f := p.digits(1, 9)
			t += time.Duration(f) * time.Duration(tens[9-min(9, before-len(p.rest))])
		}
	}
	switch {
	case p.next('Z'):
	case p.next('+'):
		t -= p.zone()
	case p.next('-'):
		t += p.zone()
	}
	return t
}

// zone reads hours and minutes of a zone's difference from UTC.
func (p *timeParser) zone() time.Duration {
	t := p.below(p.digits(2, 2), 24) * time.Hour
	if p.next(':') || len(p.rest) > 0 {
		t += p.below(p.digits(2, 2), 60) * time.Minute
	}
	return t
}

// FormatTime writes a time, in microseconds since 1970 in UTC, as ParseTime reads it.
func FormatTime(micros int64) string {
	t := time.UnixMicro(micros).UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04:05.999999")
}

// ParseNumber is the number that a text is, with point for a decimal sign.
func ParseNumber(text []byte, point byte) (v float64, ok bool) {
	n, ok := parseNumber(text, point)
	return n.value(), ok
}
