package dataset

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
)

// upright is the orientation of a picture that is stored as it is to be seen. The
// others, 2 to 8, are those of Exif: mirrored, turned, or both.
const upright = 1

// turned reports whether an orientation exchanges width and height.
func turned(orientation int) bool { return orientation >= 5 }

// source is the pixel of a stored picture of w×h that is to be seen at x, y.
func source(x, y, w, h, orientation int) (sx, sy int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}

// orientation is how a JPEG or TIFF file says that its picture is to be turned:
// upright if it does not say, or not in order.
func orientation(f io.ReaderAt, format string) int {
	if format == "tiff" {
		return tiffOrientation(f)
	}
	const enough = 1 << 20 // bytes of what stands before the picture
	r := bufio.NewReader(io.NewSectionReader(f, 2, enough))
	for {
		var head [4]byte // FF, the kind of segment, its length
		if _, err := io.ReadFull(r, head[:]); err != nil || head[0] != 0xff || head[1] == 0xda {
			return upright
		}
		length := int(binary.BigEndian.Uint16(head[2:])) - 2
		if length < 0 {
			return upright
		}
		const exif, app1 = "Exif\x00\x00", 0xe1
		if name, _ := r.Peek(len(exif)); head[1] == app1 && string(name) == exif && length > len(exif) {
			segment := make([]byte, length)
			if _, err := io.ReadFull(r, segment); err != nil {
				return upright
			}
			return tiffOrientation(bytes.NewReader(segment[len(exif):]))
		}
		if _, err := r.Discard(length); err != nil {
			return upright
		}
	}
}

// tiffOrientation is the orientation that a TIFF file has.
func tiffOrientation(r io.ReaderAt) int {
	const tag = 0x0112
	if v := tiffShort(r, tag); v >= 1 && v <= 8 {
		return v
	}
	return upright
}

// isFax reports whether a TIFF file is compressed as faxes are. Of such a file the
// decoder takes black for white where zeros are black.
func isFax(r io.ReaderAt) bool {
	const tag, first, last = 0x0103, 2, 4
	v := tiffShort(r, tag)
	return v >= first && v <= last
}

// several reports whether a GIF or TIFF file has more pictures than one.
func several(f io.ReaderAt, format string) bool {
	switch format {
	case "gif":
		const enough = 1 << 26
		return framesOfGIF(bufio.NewReader(io.NewSectionReader(f, 0, enough))) > 1
	case "tiff":
		directory, order, at := tiffDirectory(f)
		var next [4]byte
		_, err := f.ReadAt(next[:], at+12*directory)
		return at > 0 && err == nil && order.Uint32(next[:]) != 0
	}
	return false
}

// framesOfGIF is how many pictures a GIF file has, counted to the second.
func framesOfGIF(r *bufio.Reader) (n int) {
	const extension, descriptor = 0x21, 0x2c
	skip := func(bytes int) bool { _, err := r.Discard(bytes); return err == nil }
	colours := func(packed byte) int { // bytes of a table of colours
		if packed < 0x80 {
			return 0
		}
		return 3 << (packed&7 + 1)
	}
	blocks := func() bool {
		for {
			size, err := r.ReadByte()
			if err != nil || size == 0 {
				return err == nil
			}
			if !skip(int(size)) {
				return false
			}
		}
	}
	var screen [13]byte
	if _, err := io.ReadFull(r, screen[:]); err != nil || !skip(colours(screen[10])) {
		return 0
	}
	for n < 2 {
		kind, err := r.ReadByte()
		switch {
		case err == nil && kind == extension:
			if !skip(1) || !blocks() {
				return n
			}
		case err == nil && kind == descriptor:
			n++
			var at [9]byte
			if _, err := io.ReadFull(r, at[:]); err != nil || !skip(colours(at[8])+1) || !blocks() {
				return n
			}
		default:
			return n
		}
	}
	return n
}

// tiffDirectory is how many entries the first directory of a TIFF file has, and where
// they begin; 0 if there is none.
func tiffDirectory(r io.ReaderAt) (entries int64, order binary.ByteOrder, at int64) {
	var head [8]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return 0, nil, 0
	}
	order = binary.LittleEndian
	if head[0] == 'M' {
		order = binary.BigEndian
	}
	at = int64(order.Uint32(head[4:]))
	var count [2]byte
	if _, err := r.ReadAt(count[:], at); err != nil {
		return 0, order, 0
	}
	return int64(order.Uint16(count[:])), order, at + 2
}

// tiffShort is a number of 16 bits in the first directory of a TIFF file; 0 if it is
// not there.
func tiffShort(r io.ReaderAt, tag uint16) int {
	entries, order, at := tiffDirectory(r)
	const short = 3
	for i := range entries {
		var entry [12]byte
		if _, err := r.ReadAt(entry[:], at+12*i); err != nil {
			return 0
		}
		if order.Uint16(entry[:]) == tag && order.Uint16(entry[2:]) == short {
			return int(order.Uint16(entry[8:]))
		}
	}
	return 0
}
