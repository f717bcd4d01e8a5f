package dataset

import (
	"encoding/binary"
	"fmt"
)

// decodeTexts fills dst with copies.
func (d *parquetDecoder) decodeTexts(dst []string, encoding int64, data []byte) error {
	fixed := d.column.kind == parquetFixedArray
	switch {
	case encoding == encodingPlain && fixed:
		return fixedTexts(dst, data, d.column.length)
	case encoding == encodingPlain:
		return plainTexts(dst, data)
	case encoding == encodingDeltaLength && !fixed:
		return d.lengthTexts(dst, data)
	case encoding == encodingDeltaBytes:
		return d.prefixTexts(dst, data)
	}
	return fmt.Errorf("encoding %s is not supported for its type", encodingName(encoding))
}

func fixedTexts(dst []string, data []byte, length int64) error {
	if length <= 0 || int64(len(dst)) > int64(len(data))/length {
		return fmt.Errorf("%d values of %d bytes claimed in %d", len(dst), length, len(data))
	}
	for i := range dst {
		dst[i], data = string(data[:length]), data[length:]
	}
	return nil
}

func plainTexts(dst []string, data []byte) error {
	for i := range dst {
		if len(data) < 4 {
			return errCut
		}
		n := binary.LittleEndian.Uint32(data)
		if data = data[4:]; uint64(n) > uint64(len(data)) {
			return fmt.Errorf("a text claims %d bytes where %d are left", n, len(data))
		}
		dst[i], data = string(data[:n]), data[n:]
	}
	return nil
}

// lengthTexts decodes DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes.
func (d *parquetDecoder) lengthTexts(dst []string, data []byte) error {
	d.ints = resized(d.ints, int64(len(dst)))
	data, err := delta(d.ints, data)
	if err != nil {
		return err
	}
	for i, n := range d.ints {
		if n < 0 || n > int64(len(data)) {
			return fmt.Errorf("a text claims %d bytes where %d are left", n, len(data))
		}
		dst[i], data = string(data[:n]), data[n:]
	}
	return nil
}

// prefixTexts decodes DELTA_BYTE_ARRAY: how much each has of the one before it,
// then the rests. This can make much of little, so it is paid for.
func (d *parquetDecoder) prefixTexts(dst []string, data []byte) error {
	shared := make([]int64, len(dst))
	data, err := delta(shared, data)
	if err != nil {
		return err
	}
	if err := d.lengthTexts(dst, data); err != nil {
		return err
	}
	last := ""
	for i, n := range shared {
		if n < 0 || n > int64(len(last)) {
			return fmt.Errorf("a text shares %d bytes with one of %d", n, len(last))
		}
		if err := d.spend(n); err != nil {
			return err
		}
		dst[i] = last[:n] + dst[i]
		last = dst[i]
	}
	return nil
}
