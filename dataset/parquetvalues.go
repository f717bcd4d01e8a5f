package dataset

import (
	"errors"
	"fmt"
	"math/bits"
)

// How values may be encoded.
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

// missing is the number, from 0, of a value that is not there.
type missing int

func (m missing) Error() string { return fmt.Sprintf("value %d is missing", int(m)) }

// inRow is err, of a page whose values start at row.
func inRow(row int, err error) error {
	var m missing
	if errors.As(err, &m) {
		return missing(row) + m
	}
	return err
}

// parquetValues are numbers or texts, as the column's type is.
type parquetValues struct {
	numbers []float32
	texts   []string
}

// part is values lo to hi-1.
func (v parquetValues) part(lo, hi int) parquetValues {
	if v.numbers != nil {
		v.numbers = v.numbers[lo:hi]
	}
	if v.texts != nil {
		v.texts = v.texts[lo:hi]
	}
	return v
}

// parquetDecoder decodes the pages of one column. What it gives is valid until
// its next page.
type parquetDecoder struct {
	column     parquetColumn
	spend      func(n int64) error // before texts longer than their page are made
	dictionary parquetValues
	numbers    []float32
	texts      []string
	index      []uint32
	ints       []int64
}

// present demands that none of n values is missing: each level is the highest.
func (d *parquetDecoder) present(n int, levels []byte, highest int) error {
	d.index = resized(d.index, int64(n))
	if err := hybrid(d.index, levels, bits.Len(uint(highest))); err != nil {
		return err
	}
	for i, level := range d.index {
		if level != uint32(highest) {
			return missing(i)
		}
	}
	return nil
}

// page decodes n values.
func (d *parquetDecoder) page(n int, encoding int64, data []byte) (parquetValues, error) {
	if encoding == encodingIndex || encoding == encodingPlainIndex {
		return d.indexed(n, data)
	}
	if d.column.numeric() {
		d.numbers = resized(d.numbers, int64(n))
		return parquetValues{numbers: d.numbers}, d.decodeNumbers(d.numbers, encoding, data)
	}
	d.texts = resized(d.texts, int64(n))
	return parquetValues{texts: d.texts}, d.decodeTexts(d.texts, encoding, data)
}

// learn keeps a dictionary page's n values.
func (d *parquetDecoder) learn(n int64, data []byte) (err error) {
	least := d.column.bytes()
	if least <= 0 {
		least = 4 // a text's length
	}
	if n > int64(len(data))/least {
		return fmt.Errorf("a dictionary claims %d values in %d bytes", n, len(data))
	}
	if d.column.numeric() {
		d.dictionary = parquetValues{numbers: make([]float32, n)}
		return d.decodeNumbers(d.dictionary.numbers, encodingPlain, data)
	}
	d.dictionary = parquetValues{texts: make([]string, n)}
	return d.decodeTexts(d.dictionary.texts, encodingPlain, data)
}

// indexed decodes n numbers of entries in the dictionary: a byte for their width,
// then runs.
func (d *parquetDecoder) indexed(n int, data []byte) (parquetValues, error) {
	if n == 0 {
		return parquetValues{}, nil
	}
	if len(data) == 0 {
		return parquetValues{}, errCut
	}
	d.index = resized(d.index, int64(n))
	if err := hybrid(d.index, data[1:], int(data[0])); err != nil {
		return parquetValues{}, err
	}
	entries := len(d.dictionary.numbers) + len(d.dictionary.texts)
	for _, i := range d.index {
		if int64(i) >= int64(entries) {
			return parquetValues{}, fmt.Errorf("entry %d of a dictionary of %d", i, entries)
		}
	}
	if d.column.numeric() {
		d.numbers = resized(d.numbers, int64(n))
		for k, i := range d.index {
			d.numbers[k] = d.dictionary.numbers[i]
		}
		return parquetValues{numbers: d.numbers}, nil
	}
	d.texts = resized(d.texts, int64(n))
	for k, i := range d.index {
		d.texts[k] = d.dictionary.texts[i]
	}
	return parquetValues{texts: d.texts}, nil
}
