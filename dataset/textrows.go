package dataset

import (
	"errors"
	"io"

	"github.com/dlam-go/dlam/internal/delimited"
	"github.com/dlam-go/dlam/table"
)

// firstRow adds the first line, which is data.
func (c *textReader) firstRow(b *table.Builder, first [][]byte, line int) error {
	c.setLine(b, line)
	for j, f := range first {
		b.AddText(j, f)
	}
	if err := b.Err(); err != nil {
		return c.fault(err)
	}
	return nil
}

// rows adds all lines that are left. While the values of some lines are read, a column
// after the other, the fields of the next are looked for. stop ends what lines are read
// from.
func (c *textReader) rows(lines *delimited.Reader, b *table.Builder, stop func()) error {
	s := newSplitter(lines)
	defer s.end(stop)
	rows := rowAdder{textReader: c, b: b, texts: make([][][]byte, workers(len(c.names)))}
	for batch := range s.full {
		if err := rows.add(batch); err != nil {
			return err
		}
		c.in.progress()
		if err := c.ctx.Err(); err != nil {
			return err
		}
		s.empty <- batch
	}
	if !errors.Is(s.fault, io.EOF) {
		return c.fault(s.fault)
	}
	return nil
}

// splitter divides lines into fields in a goroutine of its own.
type splitter struct {
	lines       *delimited.Reader
	full, empty chan *delimited.Batch
	ended       chan struct{}
	fault       error // after the last batch
}

func newSplitter(lines *delimited.Reader) *splitter {
	const batches = 3 // one that is read, one that is added, and one that waits
	s := &splitter{lines: lines, full: make(chan *delimited.Batch, batches), empty: make(chan *delimited.Batch, batches), ended: make(chan struct{})}
	for range batches {
		s.empty <- new(delimited.Batch)
	}
	go s.run()
	return s
}

func (s *splitter) run() {
	defer close(s.ended)
	defer close(s.full)
	for batch := range s.empty {
		if s.fault = s.lines.ReadBatch(batch); s.fault != nil {
			return
		}
		s.full <- batch // there is room for all
	}
}

// end waits until nothing is read any more, which stop makes a matter of no time.
func (s *splitter) end(stop func()) {
	close(s.empty)
	stop()
	<-s.ended
	s.lines.Release()
}

// rowAdder adds the rows of batches to a table.
type rowAdder struct {
	*textReader
	b     *table.Builder
	texts [][][]byte // of a column, for each worker
	lines []int
}

// add adds a batch, up to the first row that is at fault.
func (r *rowAdder) add(batch *delimited.Batch) error {
	n, fault := r.sound(batch)
	r.lines = r.lines[:0]
	if len(r.files) == 1 { // of several, lines would not say in which
		for i := range n {
			r.lines = append(r.lines, batch.Line(i))
		}
	}
	_ = share(len(r.names), len(r.texts), func(worker, j int) error {
		texts := batch.Column(r.texts[worker][:0], j, n)
		r.b.AddTexts(j, texts, r.lines)
		r.texts[worker] = texts
		return nil
	})
	if err := r.b.Err(); err != nil {
		return r.fault(err)
	}
	return fault
}

// sound is how many rows of a batch there are before the first one that is at fault,
// and the fault.
func (r *rowAdder) sound(batch *delimited.Batch) (n int, fault error) {
	for i := range batch.Len() {
		if k := batch.Fields(i); k != len(r.names) {
			return i, inputf("%s: line %d: %d fields, want %d as in the first line", r.in.path, r.part.line(batch.Line(i)), k, len(r.names))
		}
		if r.part.divided && batch.Multiline(i) {
			return i, inputf("%s: line %d: a quoted field goes over several lines, so the file cannot be divided over processes", r.in.path, r.part.line(batch.Line(i)))
		}
	}
	return batch.Len(), nil
}
