package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dlam-go/dlam"
)

// TraceFile is the name of a run's trace in its folder: a JSON Record a line.
const TraceFile = "trace.jsonl"

// Run is a run by its name and trace.
type Run struct {
	Name    string
	Records []dlam.Record
}

// ReadRun reads a run from its folder, or from a trace file. A run still
// going on may have an unfinished last line, which is not read.
func ReadRun(path string) (Run, error) {
	file, err := tracePath(path)
	if err != nil {
		return Run{}, err
	}
	f, err := os.Open(file)
	if err != nil {
		return Run{}, err
	}
	defer func() { _ = f.Close() }() // read only
	abs, err := filepath.Abs(file)
	if err != nil {
		return Run{}, err
	}
	name := filepath.Base(abs)
	if name == TraceFile {
		name = filepath.Base(filepath.Dir(abs))
	}
	records, err := ReadTrace(f)
	if err != nil {
		return Run{}, fmt.Errorf("%s: %w", file, err)
	}
	return Run{Name: name, Records: records}, nil
}

// tracePath is the trace that path means.
func tracePath(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return filepath.Join(path, TraceFile), nil
	}
	return path, nil
}

// ReadTrace reads a Record from each line that ends.
func ReadTrace(r io.Reader) ([]dlam.Record, error) {
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

// Trace is a Recorder that writes each Record as a line of JSON at once, so
// that others can follow.
type Trace struct{ w io.Writer }

// NewTrace writes to w.
func NewTrace(w io.Writer) *Trace { return &Trace{w} }

// Record writes r in one piece.
func (t *Trace) Record(r dlam.Record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("trace: iteration %d: %w", r.Iteration, err)
	}
	_, err = t.w.Write(append(line, '\n'))
	return err
}

var _ dlam.Recorder = (*Trace)(nil)
