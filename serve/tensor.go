package serve

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/dlam-go/dlam/mat"
)

// request is an inference request.
type request struct {
	ID      string        `json:"id"`
	Inputs  []inputTensor `json:"inputs"`
	Outputs []struct {
		Name string `json:"name"`
	} `json:"outputs"`
}

// inputTensor is a tensor of numbers, a sample a row.
type inputTensor struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"`
	Data     numbers `json:"data"`
}

// numbers are the elements of a tensor, given flat or as a list of rows.
type numbers struct {
	values   []float32
	nested   bool
	row      int // elements of each row, if nested
	fraction int // index of the first that is not written as an integer, or −1
}

// UnmarshalJSON reads elements in one go: there may be very many. What it gets
// is known to be JSON.
func (n *numbers) UnmarshalJSON(text []byte) error {
	*n = numbers{values: make([]float32, 0, bytes.Count(text, []byte(","))+1), row: -1, fraction: -1}
	depth, start := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ',', ' ', '\t', '\r', '\n':
		case '[':
			depth++
			n.nested = n.nested || depth == 2
			if start = len(n.values); depth > 2 || depth == 2 && n.row < 0 && start > 0 {
				return errMixed
			}
		case ']':
			if got := len(n.values) - start; depth == 2 && n.row >= 0 && got != n.row {
				return fmt.Errorf("data: a row of %d elements after rows of %d", got, n.row)
			} else if depth == 2 {
				n.row = got
			}
			depth--
		default:
			if depth == 0 || n.nested && depth == 1 {
				return errMixed
			}
			end := i + 1
			for text[end] != ',' && text[end] != ']' && text[end] > ' ' {
				end++
			}
			if err := n.add(text[i:end]); err != nil {
				return err
			}
			i = end - 1
		}
	}
	return nil
}

var errMixed = errors.New("data: want a list of numbers, or a list of rows that are lists of numbers")

// add reads one element as float32, as tables are read.
func (n *numbers) add(text []byte) error {
	v, err := strconv.ParseFloat(string(text), 32)
	if err != nil {
		reason := "want a number"
		if errors.Is(err, strconv.ErrRange) {
			reason = "beyond float32"
		}
		return fmt.Errorf("data: element %d: got %.40s, %s", len(n.values), text, reason)
	}
	if n.fraction < 0 && bytes.ContainsAny(text, ".eE") {
		n.fraction = len(n.values)
	}
	n.values = append(n.values, float32(v))
	return nil
}

// datatypes are the types of elements that a model takes, integers with their
// range.
var datatypes = []struct {
	name    string
	integer bool
	lo, hi  float32
}{
	{name: "FP32"}, {name: "FP64"},
	{"INT8", true, -1 << 7, 1<<7 - 1}, {"INT16", true, -1 << 15, 1<<15 - 1},
	{"INT32", true, -1 << 31, 1<<31 - 1}, {"INT64", true, -1 << 63, 1<<63 - 1},
	{"UINT8", true, 0, 1<<8 - 1}, {"UINT16", true, 0, 1<<16 - 1},
	{"UINT32", true, 0, 1<<32 - 1}, {"UINT64", true, 0, 1<<64 - 1},
}

// samples are the tensor's rows, checked against what the model takes.
func (t *inputTensor) samples(features, maxRows int) (mat.Dense, error) {
	if t.Name != inputName {
		return mat.Dense{}, badRequest("input %q: there is one input, %q", t.Name, inputName)
	}
	if err := t.checkType(); err != nil {
		return mat.Dense{}, err
	}
	if len(t.Shape) != 2 || t.Shape[1] != int64(features) || t.Shape[0] < 1 {
		return mat.Dense{}, badRequest("shape: got %v, want [rows, %d]", t.Shape, features)
	}
	if t.Shape[0] > int64(maxRows) {
		return mat.Dense{}, failure{code: tooLarge, text: fmt.Sprintf("shape: %d rows, at most %d at once", t.Shape[0], maxRows)}
	}
	rows := int(t.Shape[0])
	if got := len(t.Data.values); got != rows*features || t.Data.nested && t.Data.row != features {
		what := strconv.Itoa(got) + " elements"
		if t.Data.nested {
			what += fmt.Sprintf(" in rows of %d", t.Data.row)
		}
		return mat.Dense{}, badRequest("data: %s, shape %v has %d", what, t.Shape, rows*features)
	}
	return mat.FromSlice(rows, features, t.Data.values), nil
}

// checkType holds the elements against the stated datatype.
func (t *inputTensor) checkType() error {
	for _, d := range datatypes {
		if d.name != t.Datatype {
			continue
		}
		if !d.integer || len(t.Data.values) == 0 {
			return nil
		}
		if i := t.Data.fraction; i >= 0 {
			return badRequest("data: element %d is not written as an integer, datatype is %s", i, d.name)
		}
		if lo, hi := slices.Min(t.Data.values), slices.Max(t.Data.values); lo < d.lo || hi > d.hi {
			return badRequest("data: elements from %g to %g, %s goes from %g to %g", lo, hi, d.name, d.lo, d.hi)
		}
		return nil
	}
	var names []string
	for _, d := range datatypes {
		names = append(names, d.name)
	}
	return badRequest("datatype: got %q, want one of %v", t.Datatype, names)
}
