package parquet

import (
	"errors"
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

// nullAt is the error of a null: the number of its value, from 0 in the page or
// the row group.
type nullAt int

func (n nullAt) Error() string { return fmt.Sprintf("value %d is null", int(n)) }

// inRow is err, the error of a page whose values start at row of the row group.
func inRow(row int, err error) error {
	var null nullAt
	if errors.As(err, &null) {
		return nullAt(row) + null
	}
	return err
}

// part is the values lo to hi-1.
func (v Values) part(lo, hi int) Values {
	if v.Numbers != nil {
		v.Numbers = v.Numbers[lo:hi]
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
	numbers    []float32
	texts      []string
	index      []uint32
	ints       []int64
}

// checkNoNulls reports the first null among n values: one whose definition level
// is not the highest.
func (d *decoder) checkNoNulls(n int, levels []byte, highest int) error {
	d.index = resize(d.index, int64(n))
	if err := decodeHybrid(d.index, levels, bits.Len(uint(highest))); err != nil {
		return err
	}
	for i, level := range d.index {
		if level != uint32(highest) {
			return nullAt(i)
		}
	}
	return nil
}

// decodePage decodes n values.
func (d *decoder) decodePage(n int, encoding int64, data []byte) (Values, error) {
	if encoding == encodingIndex || encoding == encodingPlainIndex {
		return d.decodeIndexed(n, data)
	}
	if d.column.Numeric() {
		d.numbers = resize(d.numbers, int64(n))
		return Values{Numbers: d.numbers}, d.decodeNumbers(d.numbers, encoding, data)
	}
	d.texts = resize(d.texts, int64(n))
	return Values{Texts: d.texts}, d.decodeTexts(d.texts, encoding, data)
}

// setDictionary decodes and keeps the n values of a dictionary page.
func (d *decoder) setDictionary(n int64, data []byte) error {
	least := d.column.plainBytes()
	if least <= 0 {
		least = 4 // the length of a text
	}
	if n > int64(len(data))/least {
		return fmt.Errorf("a dictionary claims %d values in %d bytes", n, len(data))
	}
	if d.column.Numeric() {
		d.dictionary = Values{Numbers: make([]float32, n)}
		return d.decodeNumbers(d.dictionary.Numbers, encodingPlain, data)
	}
	d.dictionary = Values{Texts: make([]string, n)}
	return d.decodeTexts(d.dictionary.Texts, encodingPlain, data)
}

// decodeIndexed decodes n values that are given by their numbers in the
// dictionary: a byte says how many bits a number takes, and runs follow.
func (d *decoder) decodeIndexed(n int, data []byte) (Values, error) {
	if n == 0 {
		return Values{}, nil
	}
	if len(data) == 0 {
		return Values{}, errTruncated
	}
	d.index = resize(d.index, int64(n))
	if err := decodeHybrid(d.index, data[1:], int(data[0])); err != nil {
		return Values{}, err
	}
	entries := len(d.dictionary.Numbers) + len(d.dictionary.Texts)
	for _, i := range d.index {
		if int64(i) >= int64(entries) {
			return Values{}, fmt.Errorf("entry %d of a dictionary of %d", i, entries)
		}
	}
	if d.column.Numeric() {
		d.numbers = resize(d.numbers, int64(n))
		for k, i := range d.index {
			d.numbers[k] = d.dictionary.Numbers[i]
		}
		return Values{Numbers: d.numbers}, nil
	}
	d.texts = resize(d.texts, int64(n))
	for k, i := range d.index {
		d.texts[k] = d.dictionary.Texts[i]
	}
	return Values{Texts: d.texts}, nil
}
