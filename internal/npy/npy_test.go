package npy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio"
)

// file is an NPY file of the given version and header, without elements.
func file(version byte, header string) []byte {
	b := append([]byte(Magic), version, 0)
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	}
	return append(b, header...)
}

func head(descr string) string {
	return "{'descr': " + descr + ", 'fortran_order': False, 'shape': (2,), }"
}

// TestHeader: a header is a Python literal, however it is written.
func TestHeader(t *testing.T) {
	for _, c := range []struct {
		version byte
		header  string
		want    Header
	}{
		{1, "{'descr': '<f8', 'fortran_order': False, 'shape': (20, 3), }   \n", Header{Shape: []int{20, 3}, Type: Type{Name: "f8", Kind: Float, Size: 8}}},
		{1, "{'descr': '<f8', 'fortran_order': False, 'shape': (20, 3)}", Header{Shape: []int{20, 3}, Type: Type{Name: "f8", Kind: Float, Size: 8}}},
		{2, `{"shape":(4,),"fortran_order":True,"descr":">i4"}`, Header{Shape: []int{4}, Fortran: true, Type: Type{Name: "i4", Kind: Integer, Size: 4, Big: true}}},
		{3, "  {\n'shape' : ( 2L , 3L ) , 'descr' : u'|b1' , 'fortran_order' : False }\x00\x00", Header{Shape: []int{2, 3}, Type: Type{Name: "b1", Kind: Boolean, Size: 1}}},
		{1, "{'descr': '<U7', 'fortran_order': False, 'shape': (), }", Header{Type: Type{Name: "U7", Kind: Unicode, Size: 28}}},
	} {
		b := file(c.version, c.header)
		c.want.Length = int64(len(b))
		got, err := ReadHeader(bytes.NewReader(b))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v; want %+v", c.header, got, err, c.want)
		}
	}
}

// TestFaults: what is wrong with a header is said, whatever it claims.
func TestFaults(t *testing.T) {
	shape := func(s string) []byte {
		return file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': "+s+"}")
	}
	for want, b := range map[string][]byte{
		"too short":                      []byte(Magic),
		`it starts with "hello,"`:        []byte("hello, world"),
		"version 4, want 1 to 3":         file(4, ""),
		"its header of 99 bytes is cut":  append([]byte(Magic), 1, 0, 99, 0, '{'),
		"claims 4294967295 bytes":        append([]byte(Magic), 2, 0, 255, 255, 255, 255),
		"no dictionary":                  file(1, "(1, 2)"),
		"neither a string, a number":     file(1, "{'descr': f8}"),
		"a string that does not end":     file(1, "{'descr"),
		"too deeply nested":              file(1, strings.Repeat("(", 1000)),
		"after its end":                  file(1, "{} {}"),
		"'fortran_order': want True":     file(1, "{'descr': '<f4', 'shape': (1,)}"),
		"'shape': want a tuple":          shape("3"),
		"want lengths":                   shape("(-1,)"),
		"is too large":                   shape("(4000000000, 4000000000, 4000000000)"),
		`the key "more" is not known`:    file(1, "{'more': 1}"),
		"a structured array of 2 fields": file(1, head("[('a', '<f4'), ('b', '<i8')]")),
		"elements are Python objects":    file(1, head("'|O'")),
		`elements of type "c16"`:         file(1, head("'<c16'")),
		`elements of type "f16"`:         file(1, head("'<f16'")),
		`elements of type "V8"`:          file(1, head("'|V8'")),
		"want texts of 1 to":             file(1, head("'<U0'")),
		"times without a unit":           file(1, head("'<M8'")),
		`times in units of "fs"`:         file(1, head("'<M8[fs]'")),
	} {
		if _, err := ReadHeader(bytes.NewReader(b)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// numbers reads an array of another library's making.
func numbers[T any](t *testing.T, values []T) []float64 {
	t.Helper()
	var b bytes.Buffer
	if err := npyio.Write(&b, values); err != nil {
		t.Fatal(err)
	}
	h, err := ReadHeader(&b)
	if err != nil {
		t.Fatal(err)
	}
	var list []float64
	for raw := b.Bytes(); len(raw) > 0; raw = raw[h.Type.Size:] {
		list = append(list, h.Type.Float(raw))
	}
	return list
}

// TestNumbers: numbers of all sizes, as another library writes them.
func TestNumbers(t *testing.T) {
	for name, got := range map[string][]float64{
		"int8": numbers(t, []int8{-128, 127}), "int16": numbers(t, []int16{-32768, 32767}), "int32": numbers(t, []int32{-1 << 31, 1<<31 - 1}),
		"int64": numbers(t, []int64{-1 << 62, 1 << 62}), "uint8": numbers(t, []uint8{0, 255}), "uint16": numbers(t, []uint16{0, 65535}),
		"uint32": numbers(t, []uint32{0, 1<<32 - 1}), "uint64": numbers(t, []uint64{0, 1 << 63}), "float32": numbers(t, []float32{-0.5, 1e30}), "float64": numbers(t, []float64{-0.1, 1e300}),
	} {
		want := map[string][]float64{
			"int8": {-128, 127}, "int16": {-32768, 32767}, "int32": {-1 << 31, 1<<31 - 1}, "int64": {-1 << 62, 1 << 62}, "uint8": {0, 255}, "uint16": {0, 65535},
			"uint32": {0, 1<<32 - 1}, "uint64": {0, 1 << 63}, "float32": {-0.5, float64(float32(1e30))}, "float64": {-0.1, 1e300},
		}[name]
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	big := Type{Kind: Integer, Size: 2, Big: true}
	if got := big.Int([]byte{0xff, 0xfe}); got != -2 {
		t.Errorf("big-endian: got %d, want -2", got)
	}
}

// TestTexts: texts of fixed length end where only zeros follow.
func TestTexts(t *testing.T) {
	utf32 := func(order binary.AppendByteOrder, text string, length int) (b []byte) {
		for _, r := range text {
			b = order.AppendUint32(b, uint32(r))
		}
		return append(b, make([]byte, 4*length-len(b))...)
	}
	for _, c := range []struct {
		t    Type
		raw  []byte
		want string
	}{
		{Type{Kind: Bytes, Size: 5}, []byte("ab\x00\x00\x00cd"), "ab"},
		{Type{Kind: Bytes, Size: 3}, []byte("a\x00b"), "a\x00b"},
		{Type{Kind: Unicode, Size: 12}, utf32(binary.LittleEndian, "é😀", 3), "é😀"},
		{Type{Kind: Unicode, Size: 8, Big: true}, utf32(binary.BigEndian, "xy", 2), "xy"},
		{Type{Kind: Unicode, Size: 4}, []byte{255, 255, 255, 255}, "\ufffd"},
	} {
		if got := string(c.t.AppendText(nil, c.raw)); got != c.want {
			t.Errorf("% x: got %q, want %q", c.raw, got, c.want)
		}
	}
}

// TestTimes: times in every unit, before and after 1970.
func TestTimes(t *testing.T) {
	for unit, c := range map[string]struct{ v, want int64 }{
		"Y": {54, 1704067200e6}, "M": {-1, -2678400e6}, "W": {1, 604800e6}, "D": {-1, -86400e6}, "h": {2, 7200e6}, "m": {3, 180e6},
		"s": {5, 5e6}, "ms": {7, 7000}, "us": {9, 9}, "ns": {-1500, -2}, "10ms": {3, 30000}, "25s": {2, 50e6},
	} {
		h, err := ReadHeader(bytes.NewReader(file(1, head(fmt.Sprintf("'<M8[%s]'", unit)))))
		if err != nil {
			t.Fatal(err)
		}
		got, ok := h.Type.Micros(binary.LittleEndian.AppendUint64(nil, uint64(c.v)))
		if !ok || got != c.want {
			t.Errorf("%d %s: got %d, want %d", c.v, unit, got, c.want)
		}
		for _, none := range []int64{math.MinInt64, math.MaxInt64} {
			if got, ok := h.Type.Micros(binary.LittleEndian.AppendUint64(nil, uint64(none))); ok && (none < 0 || unit != "us" && unit != "ns") {
				t.Errorf("%d %s: got %d, want none", none, unit, got)
			}
		}
	}
}

// FuzzHeader: any header is refused or understood; what is understood has a length
// that the file has, and elements that can be read.
func FuzzHeader(f *testing.F) {
	for _, h := range []string{head("'<f8'"), head("'|b1'"), head("'<U3'"), head("'>M8[ns]'"), "{'a': [(1, None), {}]}"} {
		f.Add(file(1, h))
		f.Add(file(3, h))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ReadHeader(bytes.NewReader(b))
		if err != nil {
			return
		}
		if h.Length > int64(len(b)) || h.Elements() < 0 || h.Type.Size < 1 {
			t.Fatalf("%+v of %d bytes", h, len(b))
		}
		raw := slices.Concat(b[h.Length:], make([]byte, h.Type.Size))
		switch {
		case h.Type.Text():
			h.Type.AppendText(nil, raw)
		case h.Type.Kind == Time:
			h.Type.Micros(raw)
		default:
			h.Type.Float(raw)
			h.Type.Int(raw)
		}
	})
}
