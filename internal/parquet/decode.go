package parquet

import (
	"fmt"
	"math/bits"
)

// How values may be encoded (parquet.thrift: Encoding).
const (
	encodingPlain       = 0
	encodingPlainIndex  = 2 // the old name of encodingIndex
	encodingRLE         = 3
	encodingDelta       = 5
	encodingDeltaLength = 6
	encodingDeltaBytes  = 7
	encodingIndex       = 8
	encodingSplit       = 9
)

func encodingName(e int64) string {
	if names := []string{"PLAIN", "1", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT"}; e >= 0 && e < int64(len(names)) {
		return names[e]
	}
	return fmt.Sprint("number ", e)
}

// part is the values lo to hi-1.
func (v Values) part(lo, hi int) Values {
	if v.Absent != nil {
		v.Absent = v.Absent[lo:hi]
	}
	if v.Integers != nil {
		v.Integers = v.Integers[lo:hi]
	}
	if v.Floats != nil {
		v.Floats = v.Floats[lo:hi]
	}
	if v.Texts != nil {
		v.Texts = v.Texts[lo:hi]
	}
	return v
}

// decoder decodes the pages of one column. The values of a page are valid until
// the next page is decoded, since the memory is used again.
type decoder struct {
	column     Column
	reserve    func(n int64) error // is asked before texts are made that are longer than their page
	dictionary Values
	absent     []bool
	integers   []int64
	floats     []float64
	texts      [][]byte
	index      []uint32
	ints       []int64
}

// decodeAbsent finds out which of n values are absent, those whose definition level
// is not the highest, and how many are not; absent is nil if none is.
func (d *decoder) decodeAbsent(n int, levels []byte, highest int) (absent []bool, present int, err error) {
	d.index = resize(d.index, int64(n))
	if err := decodeHybrid(d.index, levels, bits.Len(uint(highest))); err != nil {
		return nil, 0, err
	}
	for _, level := range d.index {
		if level == uint32(highest) {
			present++
		}
	}
	if present == n {
		return nil, n, nil
	}
	d.absent = resize(d.absent, int64(n))
	for i, level := range d.index {
		d.absent[i] = level != uint32(highest)
	}
	return d.absent, present, nil
}

// decodePage decodes the present values of a page, and puts them where they belong
// among the absent ones.
func (d *decoder) decodePage(present int, absent []bool, encoding int64, data []byte) (v Values, err error) {
	if encoding == encodingIndex || encoding == encodingPlainIndex {
		v, err = d.decodeIndexed(present, data)
	} else {
		v, err = d.decodeValues(present, encoding, data)
	}
	if err != nil || absent == nil {
		return v, err
	}
	v.Absent = absent
	switch d.column.Kind() {
	case Text:
		d.texts = spread(d.texts[:present], absent)
		v.Texts = d.texts
	case Float:
		d.floats = spread(d.floats[:present], absent)
		v.Floats = d.floats
	default:
		d.integers = spread(d.integers[:present], absent)
		v.Integers = d.integers
	}
	return v, nil
}

// spread moves values to where absent has false, and leaves zeros elsewhere.
func spread[T any](values []T, absent []bool) []T {
	from := len(values)
	values = append(values, make([]T, len(absent)-from)...)
	for to := len(absent) - 1; to >= 0; to-- {
		if absent[to] {
			clear(values[to : to+1])
			continue
		}
		from--
		values[to] = values[from]
	}
	return values
}

// decodeValues decodes n values that are not numbers of a dictionary.
func (d *decoder) decodeValues(n int, encoding int64, data []byte) (v Values, err error) {
	c := &d.column
	if c.bytes() && c.meaning != meansHalf {
		d.texts = resize(d.texts, int64(n))
		if err := d.decodeTexts(d.texts, encoding, data); err != nil {
			return v, err
		}
		return d.meantTexts(d.texts)
	}
	d.integers = resize(d.integers, int64(n))
	v.Integers = d.integers
	if c.physical == typeInt96 {
		return v, decodeOldTimes(v.Integers, encoding, data)
	}
	if err := d.decodeBits(v.Integers, encoding, data); err != nil {
		return v, err
	}
	if c.Kind() != Float {
		return v, c.toIntegers(v.Integers)
	}
	d.floats = resize(d.floats, int64(n))
	c.toFloats(d.floats, v.Integers)
	return Values{Floats: d.floats}, nil
}

// meantTexts are the values that strings of bytes stand for.
func (d *decoder) meantTexts(texts [][]byte) (v Values, err error) {
	c, n := &d.column, int64(len(texts))
	switch c.Kind() {
	case Decimal:
		d.integers = resize(d.integers, n)
		return Values{Integers: d.integers}, decimals(d.integers, texts)
	case Float:
		d.floats = resize(d.floats, n)
		return Values{Floats: d.floats}, c.wideDecimals(d.floats, texts)
	}
	if c.meaning == meansUUID {
		for i, b := range texts {
			texts[i] = formatUUID(b)
		}
	}
	return Values{Texts: texts}, nil
}

// setDictionary decodes and keeps the n values of a dictionary page, whose bytes it
// may keep.
func (d *decoder) setDictionary(n int64, data []byte) error {
	least := d.column.plainBytes()
	if least <= 0 {
		least = 4 // the length of a text
	}
	if n > int64(len(data))/least {
		return fmt.Errorf("a dictionary claims %d values in %d bytes", n, len(data))
	}
	own := decoder{column: d.column, reserve: d.reserve}
	var err error
	d.dictionary, err = own.decodeValues(int(n), encodingPlain, data)
	return err
}

// decodeIndexed decodes n values that are given by their numbers in the
// dictionary: a byte says how many bits a number takes, and runs follow.
func (d *decoder) decodeIndexed(n int, data []byte) (v Values, err error) {
	d.index = resize(d.index, int64(n))
	if n > 0 {
		if len(data) == 0 {
			return v, errTruncated
		}
		if err := decodeHybrid(d.index, data[1:], int(data[0])); err != nil {
			return v, err
		}
	}
	entries := d.dictionary.Len()
	for _, i := range d.index {
		if int64(i) >= int64(entries) {
			return v, fmt.Errorf("entry %d of a dictionary of %d", i, entries)
		}
	}
	switch d.column.Kind() {
	case Text:
		d.texts = pick(d.texts, d.dictionary.Texts, d.index)
		v.Texts = d.texts
	case Float:
		d.floats = pick(d.floats, d.dictionary.Floats, d.index)
		v.Floats = d.floats
	default:
		d.integers = pick(d.integers, d.dictionary.Integers, d.index)
		v.Integers = d.integers
	}
	return v, nil
}

// pick fills dst with the entries that index numbers.
func pick[T any](dst, entries []T, index []uint32) []T {
	dst = resize(dst, int64(len(index)))
	for k, i := range index {
		dst[k] = entries[i]
	}
	return dst
}
