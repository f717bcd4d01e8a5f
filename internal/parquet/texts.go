package parquet

import (
	"encoding/binary"
	"fmt"
)

// decodeTexts fills dst with the texts that data encodes, which are parts of it or of
// memory that the next page is decoded to.
func (d *decoder) decodeTexts(dst [][]byte, encoding int64, data []byte) error {
	fixed := d.column.physical == typeFixedArray
	switch {
	case encoding == encodingPlain && fixed:
		return decodeFixedTexts(dst, data, d.column.length)
	case encoding == encodingSplit && fixed:
		return decodeSplitTexts(dst, data, d.column.length)
	case encoding == encodingPlain:
		return decodePlainTexts(dst, data)
	case encoding == encodingDeltaLength && !fixed:
		return d.decodeLengthTexts(dst, data)
	case encoding == encodingDeltaBytes:
		return d.decodePrefixTexts(dst, data)
	}
	return fmt.Errorf("encoding %s is not supported for its type", encodingName(encoding))
}

// decodeFixedTexts decodes texts of one length.
func decodeFixedTexts(dst [][]byte, data []byte, length int64) error {
	if length <= 0 || int64(len(dst)) > int64(len(data))/length {
		return fmt.Errorf("%d values of %d bytes claimed in %d", len(dst), length, len(data))
	}
	for i := range dst {
		dst[i], data = data[:length], data[length:]
	}
	return nil
}

// decodeSplitTexts decodes texts of one length, of which the first bytes of all come
// first, then the second bytes, and so on.
func decodeSplitTexts(dst [][]byte, data []byte, length int64) error {
	if err := decodeFixedTexts(dst, data, length); err != nil {
		return err
	}
	joined := make([]byte, len(dst)*int(length))
	for i := range dst {
		text := joined[i*int(length) : (i+1)*int(length)]
		for k := range text {
			text[k] = data[k*len(dst)+i]
		}
		dst[i] = text
	}
	return nil
}

// decodePlainTexts decodes texts that each follow their length.
func decodePlainTexts(dst [][]byte, data []byte) error {
	for i := range dst {
		if len(data) < 4 {
			return errTruncated
		}
		n := binary.LittleEndian.Uint32(data)
		if data = data[4:]; uint64(n) > uint64(len(data)) {
			return fmt.Errorf("a text claims %d bytes where %d are left", n, len(data))
		}
		dst[i], data = data[:n:n], data[n:]
	}
	return nil
}

// decodeLengthTexts decodes DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes.
func (d *decoder) decodeLengthTexts(dst [][]byte, data []byte) error {
	d.ints = resize(d.ints, int64(len(dst)))
	data, err := decodeDelta(d.ints, data)
	if err != nil {
		return err
	}
	for i, n := range d.ints {
		if n < 0 || n > int64(len(data)) {
			return fmt.Errorf("a text claims %d bytes where %d are left", n, len(data))
		}
		dst[i], data = data[:n:n], data[n:]
	}
	return nil
}

// decodePrefixTexts decodes DELTA_BYTE_ARRAY: how many bytes each text shares with
// the one before it, then what each has after them. Few bytes can stand for long
// texts, so their memory is reserved.
func (d *decoder) decodePrefixTexts(dst [][]byte, data []byte) error {
	shared := make([]int64, len(dst))
	data, err := decodeDelta(shared, data)
	if err != nil {
		return err
	}
	if err := d.decodeLengthTexts(dst, data); err != nil {
		return err
	}
	var last []byte
	for i, n := range shared {
		if n < 0 || n > int64(len(last)) {
			return fmt.Errorf("a text shares %d bytes with one of %d", n, len(last))
		}
		if err := d.reserve(n); err != nil {
			return err
		}
		if n > 0 {
			dst[i] = append(last[:n:n], dst[i]...)
		}
		last = dst[i]
	}
	return nil
}
