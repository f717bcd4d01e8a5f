package serve

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/mat"
)

// A model of a table with texts, dates or gaps has an input for each column, called as
// it: BYTES for categories and dates, FP64 for numbers, BOOL for truth values. An empty
// text, null and NaN are missing values. Or there is one input, "input", of BYTES with
// a column for each column, in the order of the model. A model of sequences has an input
// more, and perhaps two, after them: which sequence a row is a step of, and when it is. The
// answer then has a row for each sequence, in the order of their first rows.

// cellBytes is about the memory that an element of a table takes, beside its text.
const cellBytes = 64

// isTable reports whether the model has an input for each column.
func (v *served) isTable() bool { return v.Transform.Columns != nil }

// columnInfo describes the inputs of a table's model.
func (v *served) columnInfo() (all []tensorInfo) {
	for k, c := range v.Transform.Columns {
		kind := "BYTES"
		switch c.Kind {
		case dataset.KindNumber:
			kind = "FP64"
		case dataset.KindBoolean:
			kind = "BOOL"
		}
		all = append(all, tensorInfo{Name: v.Features[k], Datatype: kind, Shape: []int{-1}})
	}
	for _, name := range v.columns[len(all):] {
		all = append(all, tensorInfo{Name: name, Datatype: "BYTES", Shape: []int{-1}})
	}
	return all
}

// cells reads the elements of a tensor in JSON, flat or as a list of rows: texts,
// numbers, truth values, null. It takes at most limit.
func (s *scanner) cells(limit int) (cells []any, err error) {
	cells = make([]any, 0, mostElements(s.text[s.at:], limit))
	rows := -1 // elements of a row, if there are rows
	flat := false
	element := func(int) error {
		if len(cells) == limit {
			return failure{code: tooLarge, text: "data: more elements than the most rows have, " + strconv.Itoa(limit)}
		}
		c, err := s.cell(len(cells))
		cells = append(cells, c)
		return err
	}
	err = s.list("data", limit+1, func(i int) error {
		if s.peek() != '[' {
			if flat = true; rows >= 0 {
				return errMixedCells
			}
			return element(i)
		}
		if flat {
			return errMixedCells
		}
		before := len(cells)
		if err := s.list("data", limit+1, element); err != nil {
			return err
		}
		if got := len(cells) - before; rows >= 0 && got != rows {
			return badRequest("data: a row of %d elements after rows of %d", got, rows)
		}
		rows = len(cells) - before
		return nil
	})
	return cells, err
}

var errMixedCells = badRequest("data: want a list of elements, or a list of rows that are lists of elements")

// cell reads an element.
func (s *scanner) cell(at int) (any, error) {
	name := "data: element " + strconv.Itoa(at)
	switch c := s.peek(); {
	case c == '"':
		return s.strWithin(name, len(s.text))
	case s.word("null"):
		s.at += len("null")
		return nil, nil
	case s.word("true"), s.word("false"):
		s.at += len("true")
		if c == 'f' {
			s.at++
		}
		return c == 't', nil
	case c == '-' || c >= '0' && c <= '9':
		_, end, fault := scanNumber(s.text, s.at)
		text := string(s.text[s.at:end])
		v, err := strconv.ParseFloat(text, 64)
		if fault == "" && err != nil {
			fault = "beyond float64"
		}
		if fault != "" {
			return nil, badRequest("%s: got %s, %s", name, short(word(s.text[s.at:])), fault)
		}
		s.at = end
		return v, nil
	}
	return nil, s.want(name, "a text, a number, true, false or null")
}

// tableRows is how many rows the inputs of a request have.
func (v *served) tableRows(inputs []inputTensor, maxRows int) (int, error) {
	rows := int64(-1)
	for i := range inputs {
		t := &inputs[i]
		wide := int64(1)
		if v.isWhole(inputs) {
			wide = int64(v.inputs)
		}
		if n := len(t.shape); n < 1 || n > 2 || n == 2 && t.shape[1] != wide || n == 1 && wide > 1 || t.shape[0] < 1 {
			want := "[rows] or [rows, 1]"
			if wide > 1 {
				want = fmt.Sprintf("[rows, %d]", wide)
			}
			return 0, badRequest("input %q: shape: got %v, want %s", short(t.name), t.shape, want)
		}
		if rows >= 0 && t.shape[0] != rows {
			return 0, badRequest("input %q: %d rows after inputs of %d", short(t.name), t.shape[0], rows)
		}
		rows = t.shape[0]
	}
	if rows > int64(maxRows) {
		return 0, failure{code: tooLarge, text: fmt.Sprintf("shape: %d rows, at most %d at once", rows, maxRows)}
	}
	return int(rows), nil
}

// isWhole reports whether a request has its rows in one input.
func (v *served) isWhole(inputs []inputTensor) bool {
	_, column := v.column[inputName]
	return len(inputs) == 1 && inputs[0].name == inputName && !column
}

// tableInputs are the inputs of a request as the network takes them.
func (v *served) tableInputs(inputs []inputTensor, binary []byte, rows int) (x mat.Dense, err error) {
	records := make([][]any, rows)
	names, seen := make([]string, 0, len(inputs)), make([]bool, len(v.columns))
	if v.isWhole(inputs) {
		names = v.columns
	}
	for i := range inputs {
		t := &inputs[i]
		wide := v.inputs
		if !v.isWhole(inputs) {
			wide = 1
			k, ok := v.column[t.name]
			if !ok {
				return x, badRequest("input %q: the model has no column of this name, but %s", short(t.name), short(strings.Join(v.columns, ", ")))
			}
			if seen[k] {
				return x, badRequest("input %q comes twice", short(t.name))
			}
			seen[k] = true
			names = append(names, t.name)
		}
		if binary, err = t.takeBinary(binary, rows*wide); err != nil {
			return x, err
		}
		if err := t.checkCells(rows * wide); err != nil {
			return x, err
		}
		for row := range records {
			records[row] = append(records[row], t.cells[row*wide:(row+1)*wide]...)
		}
	}
	if len(binary) > 0 {
		return x, badRequest("binary data: %d bytes more than the inputs' binary_data_size", len(binary))
	}
	var missing []string
	for k, name := range v.columns {
		if !seen[k] && !v.isWhole(inputs) {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		return x, badRequest("inputs: none for the columns %s", short(strings.Join(missing, ", ")))
	}
	d, err := v.Records(names, records)
	if err == nil {
		d, err = v.Transform.Move(d)
	}
	if err != nil {
		return x, badRequest("%v", err)
	}
	return d.X, nil
}

// checkCells holds the elements against the number of them and the datatype.
func (t *inputTensor) checkCells(want int) error {
	if t.cells == nil {
		return badRequest("input %q: data: missing", short(t.name))
	}
	if len(t.cells) != want {
		return badRequest("input %q: data: %d elements, shape %v has %d", short(t.name), len(t.cells), t.shape, want)
	}
	kind, err := cellDatatype(t.datatype)
	if err != nil {
		return err
	}
	for i, c := range t.cells {
		ok := c == nil
		switch v := c.(type) {
		case string:
			ok = kind.name == "BYTES"
		case bool:
			ok = kind.name == "BOOL"
		case float64:
			switch {
			case kind.name == "BYTES":
			case kind.name == "BOOL":
				ok = v == 0 || v == 1
			case kind.most > 0:
				ok = v == math.Trunc(v) && v >= -float64(kind.least) && v <= float64(kind.most)
			default:
				ok = kind.limit == 0 || math.Abs(v) <= float64(kind.limit) || v != v
			}
		}
		if !ok {
			return badRequest("input %q: data: element %d: got %v, which is none of %s", short(t.name), i, short(fmt.Sprint(c)), kind.name)
		}
	}
	return nil
}

// cellDatatype is the datatype called name, which may be BYTES.
func cellDatatype(name string) (*datatype, error) {
	if name == "BYTES" {
		return &datatype{name: name}, nil
	}
	return findDatatype(name)
}

// takeBinary reads n elements of a tensor from the front of binary data, if it has any
// there, and is what is left.
func (t *inputTensor) takeBinary(raw []byte, n int) ([]byte, error) {
	if t.size < 0 {
		return raw, nil
	}
	fault := func(format string, args ...any) error {
		return badRequest("input %q: binary data: %s", short(t.name), fmt.Sprintf(format, args...))
	}
	if t.cells != nil {
		return nil, fault("the input has data too, want one of them")
	}
	if t.size > int64(len(raw)) {
		return nil, fault("binary_data_size is %d, and %d bytes are left", t.size, len(raw))
	}
	own, rest := raw[:t.size], raw[t.size:]
	kind, err := cellDatatype(t.datatype)
	if err != nil {
		return nil, err
	}
	if kind.name != "BYTES" && len(own) != n*kind.size {
		return nil, fault("%d bytes, %d elements of %s have %d", len(own), n, kind.name, n*kind.size)
	}
	t.cells = make([]any, 0, n)
	for len(own) > 0 && len(t.cells) < n {
		if kind.name != "BYTES" {
			t.cells = append(t.cells, exact(kind, own))
			own = own[kind.size:]
			continue
		}
		if len(own) < 4 || uint64(binary.LittleEndian.Uint32(own)) > uint64(len(own)-4) {
			return nil, fault("element %d is cut short", len(t.cells))
		}
		end := 4 + int(binary.LittleEndian.Uint32(own))
		if !utf8.Valid(own[4:end]) {
			return nil, fault("element %d is not UTF-8", len(t.cells))
		}
		t.cells = append(t.cells, string(own[4:end]))
		own = own[end:]
	}
	if len(own) > 0 {
		return nil, fault("%d bytes after the last of %d elements", len(own), n)
	}
	return rest, nil
}

// exact is the element that bytes begin with, without rounding it to float32.
func exact(kind *datatype, b []byte) any {
	switch kind.name {
	case "FP64":
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case "INT32":
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case "UINT32":
		return float64(binary.LittleEndian.Uint32(b))
	case "INT64":
		return float64(int64(binary.LittleEndian.Uint64(b)))
	case "UINT64":
		return float64(binary.LittleEndian.Uint64(b))
	}
	return float64(elements[kind.name](b))
}
