package serve

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
)

// number is a JSON number: ±mantissa·10^exponent.
type number struct {
	mantissa uint64
	exponent int
	negative bool
	whole    bool // written without a point and an exponent
	long     bool // with more digits than mantissa holds: its value is in the text
}

// scanNumber reads the number that begins at text[at]. fault is "" or what is
// wrong.
func scanNumber(text []byte, at int) (n number, end int, fault string) {
	i := at
	if i < len(text) && text[i] == '-' {
		n.negative = true
		i++
	}
	first := i
	for ; i < len(text) && text[i]-'0' <= 9; i++ {
		n.mantissa = n.mantissa*10 + uint64(text[i]-'0')
	}
	digits := i - first
	if digits == 0 || digits > 1 && text[first] == '0' {
		return n, i, "want a number"
	}
	n.whole = true
	if i < len(text) && text[i] == '.' {
		n.whole = false
		i++
		point := i
		for ; i < len(text) && text[i]-'0' <= 9; i++ {
			n.mantissa = n.mantissa*10 + uint64(text[i]-'0')
		}
		n.exponent = point - i
		if digits += i - point; i == point {
			return n, i, "want a digit after the point"
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		n.whole = false
		i++
		sign := 1
		if i < len(text) && (text[i] == '-' || text[i] == '+') {
			if text[i] == '-' {
				sign = -1
			}
			i++
		}
		begin, e := i, 0
		for ; i < len(text) && text[i]-'0' <= 9; i++ {
			e = min(e*10+int(text[i]-'0'), 1<<20)
		}
		if i == begin {
			return n, i, "want a digit in the exponent"
		}
		n.exponent += sign * e
	}
	n.long = digits > 19 // 10¹⁹ − 1 is below 2⁶⁴
	if i < len(text) {
		switch text[i] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
		default:
			return n, i, "want a number"
		}
	}
	return n, i, ""
}

// powers of ten that float64 holds exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// float32 is the float32 nearest to n, which was written as text; fault is "" or
// what is wrong.
func (n number) float32(text []byte) (v float32, fault string) {
	if e := n.exponent; !n.long && n.mantissa < 1<<53 && e >= -22 && e <= 22 {
		f := float64(n.mantissa) // exact, and so is the power: f gets rounded once
		if e < 0 {
			f /= powers[-e]
		} else {
			f *= powers[e]
		}
		// Rounding f once more gives the nearest float32, unless f lies where two
		// of them meet, to which the first rounding may have brought it.
		const half = 1 << 28
		if math.Float64bits(f)&(2*half-1) != half && (f == 0 || f > 1e-37 && f < 3e38) {
			if n.negative {
				f = -f
			}
			return float32(f), ""
		}
	}
	f, err := strconv.ParseFloat(string(text), 32)
	if errors.Is(err, strconv.ErrRange) {
		return 0, "beyond float32"
	}
	if err != nil {
		return 0, "want a number"
	}
	return float32(f), ""
}

// numbers are the elements of a tensor in JSON, given flat or as a list of rows.
type numbers struct {
	values []float32
	nested bool
	row    int // elements of each row, if nested
	// What a datatype is held against:
	fraction int    // index of the first that is not written as an integer, or −1
	truth    int    // index of the first that is true or false, or −1
	most     uint64 // the greatest integer
	least    uint64 // the least integer is −least
	wide     int    // index of the first integer beyond 64 bits, or −1
}

// data reads the elements of a tensor in one pass: there may be very many. It
// takes at most limit.
func (s *scanner) data(limit int) (numbers, error) {
	n := numbers{row: -1, fraction: -1, truth: -1, wide: -1, values: s.room}
	if s.peek() != '[' {
		return n, s.want("data", "a list of numbers, or of rows")
	}
	depth, start := 0, 0
	comma := true // a value may come
	for i := s.at; ; i++ {
		if i >= len(s.text) {
			s.at = i
			return n, s.want("data", "a list with an end")
		}
		switch c := s.text[i]; c {
		case ' ', '\t', '\r', '\n':
			continue
		case ',':
			if comma {
				return n, badRequest("data: a comma without an element before it, after %d elements", len(n.values))
			}
			comma = true
			continue
		case '[':
			depth++
			n.nested = n.nested || depth == 2
			if !comma || depth > 2 || depth == 2 && n.row < 0 && len(n.values) > 0 {
				return n, errMixed
			}
			start = len(n.values)
			continue
		case ']':
			if comma && (len(n.values) > start || n.nested && depth == 1 && n.row >= 0) {
				return n, badRequest("data: a comma without an element after it, after %d elements", len(n.values))
			}
			comma = false
			if depth--; depth == 0 {
				s.at = i + 1
				return n, nil
			}
			if got := len(n.values) - start; n.row >= 0 && got != n.row {
				return n, badRequest("data: a row of %d elements after rows of %d", got, n.row)
			} else {
				n.row = got
			}
			start = len(n.values)
			continue
		}
		if n.nested && depth == 1 {
			return n, errMixed
		}
		if !comma {
			return n, badRequest("data: no comma after element %d", len(n.values)-1)
		}
		if len(n.values) == limit {
			return n, failure{code: tooLarge, text: "data: more elements than the most rows have, " + strconv.Itoa(limit)}
		}
		end := n.addShort(s.text, i)
		if end == i {
			var err error
			if end, err = n.add(s, i); err != nil {
				return n, err
			}
		}
		comma = false
		i = end - 1
	}
}

// mostElements bounds the elements that a tensor in text can have, and that are taken.
func mostElements(text []byte, limit int) int {
	return min(bytes.Count(text, []byte(","))+1, limit)
}

var errMixed = badRequest("data: want a list of numbers, or a list of rows that are lists of numbers")

// addShort reads the element at text[at] if it is an integer of few digits, as
// pixels and counts are; else it returns at.
func (n *numbers) addShort(text []byte, at int) (end int) {
	const few = 7 // digits, of which any is a float32
	v, i := uint32(0), at
	for ; i < len(text) && i-at <= few; i++ {
		c := text[i] - '0'
		if c > 9 {
			if (text[i] != ',' && text[i] != ']') || i == at || i-at > 1 && text[at] == '0' {
				return at
			}
			n.most = max(n.most, uint64(v))
			n.values = append(n.values, float32(v))
			return i
		}
		v = 10*v + uint32(c)
	}
	return at
}

// add reads the element at s.text[at] as float32, as tables are read.
func (n *numbers) add(s *scanner, at int) (end int, err error) {
	if c := s.text[at]; c != '-' && (c < '0' || c > '9') {
		s.at = at
		for _, truth := range []string{"true", "false"} {
			if s.word(truth) {
				if n.truth < 0 {
					n.truth = len(n.values)
				}
				v := float32(5 - len(truth))
				n.values = append(n.values, v)
				return at + len(truth), nil
			}
		}
		return at, badRequest("data: element %d: got %s, want a number", len(n.values), s.kind())
	}
	x, end, fault := scanNumber(s.text, at)
	var v float32
	if fault == "" {
		v, fault = x.float32(s.text[at:end])
	}
	if fault != "" {
		return at, badRequest("data: element %d: got %s, %s", len(n.values), short(word(s.text[at:])), fault)
	}
	switch {
	case !x.whole:
		if n.fraction < 0 {
			n.fraction = len(n.values)
		}
	case x.long:
		n.long(s.text[at:end], x.negative)
	case x.negative:
		n.least = max(n.least, x.mantissa)
	default:
		n.most = max(n.most, x.mantissa)
	}
	n.values = append(n.values, v)
	return end, nil
}

// long notes an integer of more than 19 digits.
func (n *numbers) long(text []byte, negative bool) {
	v, err := strconv.ParseUint(strings.TrimPrefix(string(text), "-"), 10, 64)
	switch {
	case err != nil && n.wide < 0:
		n.wide = len(n.values)
	case err != nil:
	case negative:
		n.least = max(n.least, v)
	default:
		n.most = max(n.most, v)
	}
}
