package delimited

import "errors"

// batchBytes and batchRecords are how much a Batch holds before it is full: with the
// places of its fields it stays in a processor's own cache.
const batchBytes, batchRecords = 1 << 17, 1 << 10

// errFull ends a batch before empty lines that would make it larger.
var errFull = errors.New("the batch is full")

// Batch is some records that follow each other. They stay as they are until the Batch
// is read into again, so that one can be used while the next is read.
type Batch struct {
	buf     []byte
	start   int      // of the first record, in buf
	ends    []uint32 // of the fields, as the Reader has them
	records []record
}

// record is a record of a Batch.
type record struct {
	from, to  int // its part of ends
	line      int
	multiline bool
}

// Len is the number of records.
func (b *Batch) Len() int { return len(b.records) }

// Fields is how many fields record i has.
func (b *Batch) Fields(i int) int { return (b.records[i].to - b.records[i].from) / 2 }

// Line is the line on which record i starts.
func (b *Batch) Line(i int) int { return b.records[i].line }

// Multiline reports whether record i goes over several lines.
func (b *Batch) Multiline(i int) bool { return b.records[i].multiline }

// Column appends field j of the first n records to dst. Each must have one.
func (b *Batch) Column(dst [][]byte, j, n int) [][]byte {
	text := b.buf[b.start:]
	for _, r := range b.records[:n] {
		at := r.from + 2*j
		dst = append(dst, text[b.ends[at]:b.ends[at+1]])
	}
	return dst
}

// ReadBatch reads the next records, one or more. An error comes once the records
// before it have been given; at the end it is io.EOF.
func (r *Reader) ReadBatch(b *Batch) error {
	r.start, r.ends, b.records = r.at, b.ends[:0], b.records[:0]
	for r.fault == nil && len(b.records) < batchRecords && r.at-r.start < batchBytes {
		from := len(r.ends)
		if r.fault = r.record(); r.fault == nil {
			b.records = append(b.records, record{from, len(r.ends), r.first, r.multiline})
		}
	}
	b.ends, r.ends = r.ends, nil
	if len(b.records) == 0 {
		return r.fault
	}
	if errors.Is(r.fault, errFull) {
		r.fault = nil
	}
	return r.handOver(b)
}

// handOver gives b the buffer that its records are in, and takes b's for what comes
// after them.
func (r *Reader) handOver(b *Batch) (err error) {
	rest, other := r.buf[r.at:r.end], b.buf
	need := len(rest)
	if r.readErr == nil { // there may be more
		need = max(need, min(len(r.buf), 2*batchBytes))
	}
	if len(other) < need {
		if other, err = r.buffer(need); err != nil {
			return err
		}
		r.drop(b.buf)
	}
	copy(other, rest)
	b.buf, b.start = r.buf, r.start
	r.buf, r.base = other, r.base+int64(r.at)
	r.start, r.at, r.end = 0, 0, len(rest)
	return nil
}
