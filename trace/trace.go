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
func Read(r io.Reader) ([]dlam.Record, error) {
	var records []dlam.Record
	b := bufio.NewReader(r)
	for line := 1; ; line++ {
		text, err := b.ReadBytes('\n')
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		var rec dlam.Record
		if err := json.Unmarshal(text, &rec); err != nil {
			return nil, fmt.Errorf("line %d: not a record: %w", line, err)
		}
		records = append(records, rec)
	}
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
