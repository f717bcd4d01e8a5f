package parquet

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// meantRow has columns whose stored values stand for others.
type meantRow struct {
	Date      int32            `parquet:",date"`
	Milli     time.Time        `parquet:",timestamp(millisecond)"`
	Micro     time.Time        `parquet:",timestamp(microsecond)"`
	Nano      time.Time        `parquet:",timestamp(nanosecond)"`
	Local     time.Time        `parquet:",timestamp(microsecond:local),dict"`
	Old       deprecated.Int96 // days and nanoseconds, as Spark and Impala wrote them
	OldIndex  deprecated.Int96 `parquet:",dict"`
	ID        [16]byte         `parquet:",uuid"`
	Money     int32            `parquet:",decimal(2:9)"`
	Long      []byte           `parquet:",decimal(3:18)"`
	Wide      []byte           `parquet:",decimal(20:38)"`
	Int8      int8
	Int16     int16
	Uint8     uint8
	Clock     int32  `parquet:",time(millisecond)"`
	Enum      string `parquet:",enum"`
	JSON      string `parquet:",json"`
	Bytes     []byte
	SplitInt  int32   `parquet:",split"`
	SplitLong int64   `parquet:",split"`
	SplitFive [5]byte `parquet:",split"`
	None      *float64
	Pause     [12]byte `parquet:",interval"`
	List      []int32  `parquet:",list"`
	Map       map[string]int32
	Deep      struct{ In struct{ Value *int64 } }
}

// bigEndian is v in so many bytes.
func bigEndian(v int64, size int) []byte {
	b := bytes.Repeat([]byte{byte(v >> 63)}, size)
	return append(b[:size-8], binary.BigEndian.AppendUint64(nil, uint64(v))...)
}

// TestMeanings: dates, times, decimals, UUIDs and the rest of what types mean, in both
// versions of pages; what is not read is named, and does no harm to what is.
func TestMeanings(t *testing.T) {
	at := time.Date(1969, 7, 20, 20, 17, 40, 123456789, time.UTC)
	midnight := time.Date(1969, 7, 20, 0, 0, 0, 0, time.UTC)
	old := func() (v deprecated.Int96) {
		nanos := uint64(at.Sub(midnight))
		return deprecated.Int96{uint32(nanos), uint32(nanos >> 32), uint32(2440588 + midnight.Unix()/86400)}
	}()
	deep := int64(-7)
	row := meantRow{
		Date: int32(midnight.Unix() / 86400), Milli: at, Micro: at, Nano: at, Local: at, Old: old, OldIndex: old, ID: [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		Money: -1234, Long: bigEndian(-1234567, 8), Wide: bigEndian(-1<<60, 16), Int8: -8, Int16: -16, Uint8: 200, Clock: 1500, Enum: "e", JSON: `{"a":1}`,
		Bytes: []byte{1, 2}, SplitInt: -5, SplitLong: 1 << 40, SplitFive: [5]byte{'f', 'i', 'v', 'e', '!'}, List: []int32{1, 2}, Map: map[string]int32{"k": 1},
	}
	row.Deep.In.Value = &deep
	micros := func(t time.Time) float64 { return float64(t.UnixMicro()) }
	numbers := map[string]float64{
		"Date": micros(midnight), "Milli": micros(at.Truncate(time.Millisecond)), "Micro": micros(at), "Nano": micros(at), "Local": micros(at), "Old": micros(at), "OldIndex": micros(at),
		"Money": -12.34, "Long": -1234.567, "Wide": -(1 << 60) / 1e20, "Int8": -8, "Int16": -16, "Uint8": 200, "Clock": 1500, "SplitInt": -5, "SplitLong": 1 << 40, "None": math.NaN(), "Deep.In.Value": -7,
	}
	texts := map[string]string{"ID": "00010203-0405-0607-0809-0a0b0c0d0e0f", "Enum": "e", "JSON": `{"a":1}`, "Bytes": "\x01\x02", "SplitFive": "five!"}
	refused := map[string]string{"Pause": "intervals of time are not supported", "List": errNested.Error(), "Map": errNested.Error()}
	for version := 1; version <= 2; version++ {
		var b bytes.Buffer
		w := parquet.NewGenericWriter[meantRow](&b, parquet.DataPageVersion(version), parquet.Compression(&parquet.Snappy))
		if _, err := w.Write([]meantRow{row, row, row}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f := open(t, b.Bytes())
		for _, c := range f.Columns() {
			x, s, err := read(t, f, 0, 3, c.Name)
			number, isNumber := numbers[c.Name]
			text, isText := texts[c.Name]
			switch {
			case isNumber:
				if err != nil || x[0] != number && (x[0] == x[0] || number == number) || math.Float64bits(x[2]) != math.Float64bits(x[0]) {
					t.Errorf("version %d, %s: got %v, %v; want %v", version, c.Name, x, err, number)
				}
			case isText:
				if err != nil || !slices.Equal(s, []string{text, text, text}) {
					t.Errorf("version %d, %s: got %q, %v; want %q", version, c.Name, s, err, text)
				}
			default:
				name, _, _ := strings.Cut(c.Name, ".")
				if want := refused[name]; want == "" || err == nil || !strings.Contains(err.Error(), want) || c.Supported() == nil {
					t.Errorf("version %d, %s: got %v, want %q", version, c.Name, err, want)
				}
			}
		}
	}
}

// TestHalf: floats of 16 bits, those of apache/parquet-testing among them.
func TestHalf(t *testing.T) {
	body := []byte{}
	want := []float64{1, -2, math.NaN(), 0, math.Copysign(0, -1), 65504, 0x1p-24, 0x1p-14, math.Inf(-1), 0.333251953125}
	for _, bits := range []uint16{0x3c00, 0xc000, 0x7e00, 0, 0x8000, 0x7bff, 1, 0x0400, 0xfc00, 0x3555} {
		body = binary.LittleEndian.AppendUint16(body, bits)
	}
	half := func(c *format.SchemaElement) {
		c.TypeLength = thrift.New[int32](2)
		c.LogicalType = format.LogicalType{Value: &format.Float16Type{}}
	}
	n := len(want)
	split := make([]byte, 2*n)
	for i := range n {
		split[i], split[n+i] = body[2*i], body[2*i+1]
	}
	for e, body := range map[format.Encoding][]byte{format.Plain: body, format.ByteStreamSplit: split} {
		file := forged{kind: format.FixedLenByteArray, means: half, rows: int64(n), page: data(int32(n), e), body: body}
		got, _, err := read(t, open(t, file.bytes(t)), 0, n, "y")
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v: got %v, %v; want %v", e, got, err, want)
		}
	}
}

// TestOldMeanings: what ConvertedType says, as writers before version 2.4 of the format
// have it.
func TestOldMeanings(t *testing.T) {
	for converted, want := range map[deprecated.ConvertedType]float64{
		deprecated.Date: -86400e6, deprecated.TimestampMillis: -1000, deprecated.TimestampMicros: -1, deprecated.Uint32: 1<<32 - 1, deprecated.Int8: -1, deprecated.TimeMillis: -1,
	} {
		kind, body := format.Int32, []byte{255, 255, 255, 255}
		if converted == deprecated.TimestampMillis || converted == deprecated.TimestampMicros {
			kind, body = format.Int64, bytes.Repeat([]byte{255}, 8)
		}
		file := forged{kind: kind, rows: 1, page: data(1, format.Plain), body: body, means: func(c *format.SchemaElement) { c.ConvertedType = thrift.New(converted) }}
		if got, _, err := read(t, open(t, file.bytes(t)), 0, 1, "y"); err != nil || got[0] != want {
			t.Errorf("%v: got %v, %v; want %v", converted, got, err, want)
		}
	}
	decimal := forged{kind: format.ByteArray, rows: 2, page: data(2, format.Plain), body: []byte{1, 0, 0, 0, 0x9c, 3, 0, 0, 0, 1, 0, 0}, means: func(c *format.SchemaElement) {
		c.ConvertedType, c.Scale, c.Precision = thrift.New(deprecated.Decimal), thrift.New[int32](2), thrift.New[int32](4)
	}}
	if got, _, err := read(t, open(t, decimal.bytes(t)), 0, 2, "y"); err != nil || !slices.Equal(got, []float64{-1, 655.36}) {
		t.Errorf("decimals in bytes: got %v, %v", got, err)
	}
}

// TestOldCompression: gzip in several members, and LZ4 as Hadoop frames it and as it
// is without a frame, under the number of the old codec.
func TestOldCompression(t *testing.T) {
	var plain []byte
	var want []float64
	for i := range 64 {
		v := float64(i / 8)
		plain, want = binary.LittleEndian.AppendUint64(plain, math.Float64bits(v)), append(want, v)
	}
	var members bytes.Buffer
	for _, part := range [][]byte{plain[:100], plain[100:]} {
		z := gzip.NewWriter(&members)
		if _, err := z.Write(part); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	block := func(b []byte) []byte {
		dst := make([]byte, lz4.CompressBlockBound(len(b)))
		var c lz4.Compressor
		n, err := c.CompressBlock(b, dst)
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		return dst[:n]
	}
	var framed []byte
	for _, part := range [][]byte{plain[:200], plain[200:]} {
		packed := block(part)
		framed = binary.BigEndian.AppendUint32(framed, uint32(len(part)))
		framed = append(binary.BigEndian.AppendUint32(framed, uint32(len(packed))), packed...)
	}
	for name, c := range map[string]struct {
		codec format.CompressionCodec
		body  []byte
	}{
		"gzip in two members": {format.Gzip, members.Bytes()}, "framed LZ4": {format.Lz4, framed}, "LZ4 without a frame": {format.Lz4, block(plain)}, "raw LZ4": {format.Lz4Raw, block(plain)},
	} {
		page := data(64, format.Plain)
		page.UncompressedPageSize = int32(len(plain))
		file := forged{kind: format.Double, codec: c.codec, rows: 64, page: page, body: c.body}
		if got, _, err := read(t, open(t, file.bytes(t)), 0, 64, "y"); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
		file.body = c.body[:len(c.body)-3]
		if err := readAll(file.bytes(t)); err == nil || !strings.Contains(err.Error(), "compressed page") {
			t.Errorf("%s, cut off: got %v", name, err)
		}
	}
}
