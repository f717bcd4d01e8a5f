package report

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of tensorflow/core/util/event.proto and of
// tensorflow/core/framework/summary.proto; those used.
const (
	eventTime        protowire.Number = 1 // double
	eventStep        protowire.Number = 2 // int64
	eventVersion     protowire.Number = 3 // string
	eventSummary     protowire.Number = 5 // Summary
	summaryValue     protowire.Number = 1 // repeated Value
	valueTag         protowire.Number = 1 // string
	valueSimple      protowire.Number = 2 // float
	valueHistogram   protowire.Number = 5 // HistogramProto
	histogramMin     protowire.Number = 1 // double, like the four below
	histogramMax     protowire.Number = 2
	histogramNum     protowire.Number = 3
	histogramSum     protowire.Number = 4
	histogramSquares protowire.Number = 5
	histogramLimit   protowire.Number = 6 // packed double
	histogramBucket  protowire.Number = 7 // packed double
)

func appendDouble(b []byte, n protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, n, protowire.Fixed64Type), math.Float64bits(v))
}

func appendBytes(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func appendDoubles(b []byte, n protowire.Number, vs []float64) []byte {
	var packed []byte
	for _, v := range vs {
		packed = protowire.AppendFixed64(packed, math.Float64bits(v))
	}
	return appendBytes(b, n, packed)
}

// appendScalar adds a value to a Summary.
func appendScalar(summary []byte, tag string, v float64) []byte {
	value := appendBytes(nil, valueTag, []byte(tag))
	value = protowire.AppendFixed32(protowire.AppendTag(value, valueSimple, protowire.Fixed32Type), math.Float32bits(float32(v)))
	return appendBytes(summary, summaryValue, value)
}

// appendHistogram adds a histogram to a Summary.
func appendHistogram(summary []byte, tag string, h histogram) []byte {
	var m []byte
	m = appendDouble(m, histogramMin, h.min)
	m = appendDouble(m, histogramMax, h.max)
	m = appendDouble(m, histogramNum, h.n)
	m = appendDouble(m, histogramSum, h.sum)
	m = appendDouble(m, histogramSquares, h.squares)
	m = appendDoubles(m, histogramLimit, h.limits)
	m = appendDoubles(m, histogramBucket, h.counts)
	return appendBytes(summary, summaryValue, appendBytes(appendBytes(nil, valueTag, []byte(tag)), valueHistogram, m))
}

// event is an Event at a time in Unix seconds, with a field of its payload.
func event(time float64, step int, field protowire.Number, payload []byte) []byte {
	b := appendDouble(nil, eventTime, time)
	b = protowire.AppendVarint(protowire.AppendTag(b, eventStep, protowire.VarintType), uint64(step))
	return appendBytes(b, field, payload)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame wraps data as a TFRecord: length, its checksum, data, its checksum;
// little-endian, checksums masked (tensorflow/core/lib/hash/crc32c.h).
func frame(data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, masked(b))
	b = append(b, data...)
	return binary.LittleEndian.AppendUint32(b, masked(data))
}

func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// histogram counts values in buckets of one width.
type histogram struct {
	min, max, n, sum, squares float64
	limits, counts            []float64 // limits are the buckets' upper ends
}

const buckets = 60

// newHistogram counts the rows' values.
func newHistogram(rows [][]float32) histogram {
	h := histogram{min: math.Inf(1), max: math.Inf(-1)}
	for _, r := range rows {
		for _, x := range r {
			v := float64(x)
			h.min, h.max = math.Min(h.min, v), math.Max(h.max, v)
			h.n, h.sum, h.squares = h.n+1, h.sum+v, h.squares+v*v
		}
	}
	width := (h.max - h.min) / buckets
	if width == 0 {
		h.limits, h.counts = []float64{math.Nextafter(h.max, math.Inf(1))}, []float64{h.n}
		return h
	}
	h.counts = make([]float64, buckets)
	for i := range buckets {
		h.limits = append(h.limits, h.min+float64(i+1)*width)
	}
	for _, r := range rows {
		for _, x := range r {
			h.counts[min(buckets-1, int((float64(x)-h.min)/width))]++
		}
	}
	return h
}
