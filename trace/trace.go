// Package trace writes the records of a run as a file of JSON lines, and reads
// them back.
package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/dlam-go/dlam"
)

// FileName is the name of a run's trace in its folder: a JSON Record a line.
const FileName = "trace.jsonl"

// Writer is a Recorder that writes each Record as a line of JSON at once, so
// that others can follow.
type Writer struct{ w io.Writer }

var _ dlam.Recorder = (*Writer)(nil)

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w} }

// Record writes r in one piece.
func (t *Writer) Record(r dlam.Record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("trace: iteration %d: %w", r.Iteration, err)
	}
	_, err = t.w.Write(append(line, '\n'))
	return err
}

// Read reads a Record from each line that ends: a run that is still going on
// may have an unfinished last line, which is not read.
func Read(r io.Reader) (records []dlam.Record, err error) {
	err = each(r, func(line int, rec dlam.Record, err error) error {
		records = append(records, rec)
		if err != nil {
			return fmt.Errorf("line %d: not a record: %w", line, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// each calls f with each line that ends and is not empty, and its record or what is
// wrong with it.
func each(r io.Reader, f func(line int, rec dlam.Record, err error) error) error {
	b := bufio.NewReader(r)
	for line := 1; ; line++ {
		text, err := b.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		var rec dlam.Record
		wrong := json.Unmarshal(text, &rec)
		if err := f(line, rec, wrong); err != nil {
			return err
		}
	}
}

// Salvage reads what is left of the records of iterations 1 to done, in order: it
// passes over lines that are none, or of an iteration that was there before. It
// returns the numbers of those lines, and the iterations that are missing.
func Salvage(r io.Reader, done int) (records []dlam.Record, bad, missing []int, err error) {
	last := 0
	err = each(r, func(line int, rec dlam.Record, err error) error {
		switch {
		case err == nil && rec.Iteration > done: // to be made again
		case err != nil || rec.Iteration <= last:
			bad = append(bad, line)
		default:
			for last++; last < rec.Iteration; last++ {
				missing = append(missing, last)
			}
			records = append(records, rec)
		}
		return nil
	})
	for last++; last <= done; last++ {
		missing = append(missing, last)
	}
	return records, bad, missing, err
}

// ReadFile is Read of a file; an error names it.
func ReadFile(path string) ([]dlam.Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only
	records, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return records, nil
}
