package serve

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/mat"
)

// datatype is a type of elements that a model takes.
type datatype struct {
	name  string
	size  int    // bytes of an element in binary
	least uint64 // of integers: they go from −least
	most  uint64 // to most; 0 for others
	limit float32
}

// datatypes are those of the protocol but BYTES, which a table's model alone takes.
var datatypes = []datatype{
	{name: "BOOL", size: 1},
	{name: "UINT8", size: 1, most: math.MaxUint8}, {name: "UINT16", size: 2, most: math.MaxUint16},
	{name: "UINT32", size: 4, most: math.MaxUint32}, {name: "UINT64", size: 8, most: math.MaxUint64},
	{name: "INT8", size: 1, least: 1 << 7, most: math.MaxInt8}, {name: "INT16", size: 2, least: 1 << 15, most: math.MaxInt16},
	{name: "INT32", size: 4, least: 1 << 31, most: math.MaxInt32}, {name: "INT64", size: 8, least: 1 << 63, most: math.MaxInt64},
	{name: "FP16", size: 2, limit: 65504}, {name: "FP32", size: 4}, {name: "FP64", size: 8},
}

// findDatatype is the datatype called name.
func findDatatype(name string) (*datatype, error) {
	for i := range datatypes {
		if datatypes[i].name == name {
			return &datatypes[i], nil
		}
	}
	var names []string
	for _, d := range datatypes {
		names = append(names, d.name)
	}
	if name == "BYTES" {
		return nil, badRequest("datatype: got BYTES, and all columns of this model are numbers: want one of %s", strings.Join(names, ", "))
	}
	return nil, badRequest("datatype: got %q, want one of %s", short(name), strings.Join(names, ", "))
}

// check holds elements in JSON against the datatype.
func (d *datatype) check(n *numbers) error {
	if d.name == "BOOL" {
		for i, v := range n.values {
			if v != 0 && v != 1 {
				return badRequest("data: element %d: got %g, want true, false, 0 or 1 of BOOL", i, v)
			}
		}
		return nil
	}
	if n.truth >= 0 {
		return badRequest("data: element %d: got %t, want a number of %s", n.truth, n.values[n.truth] == 1, d.name)
	}
	if d.limit > 0 {
		for i, v := range n.values {
			if v > d.limit || v < -d.limit {
				return badRequest("data: element %d: got %g, %s goes from -%g to %g", i, v, d.name, d.limit, d.limit)
			}
		}
	}
	if d.most == 0 {
		return nil
	}
	if n.fraction >= 0 {
		return badRequest("data: element %d is not written as an integer, datatype is %s", n.fraction, d.name)
	}
	if n.wide >= 0 {
		return badRequest("data: element %d is beyond 64 bits, datatype is %s", n.wide, d.name)
	}
	if n.least > d.least || n.most > d.most {
		return badRequest("data: elements from %s to %d, %s goes from %s to %d", minus(n.least), n.most, d.name, minus(d.least), d.most)
	}
	return nil
}

// minus is −v.
func minus(v uint64) string {
	if v == 0 {
		return "0"
	}
	return "-" + strconv.FormatUint(v, 10)
}

// inputTensor is the input of a request: a sample a row.
type inputTensor struct {
	name     string
	datatype string
	shape    []int64
	data     *numbers // nil where the elements are not JSON
	size     int64    // bytes of the elements in binary; −1 where they are not
	binary   []byte
	room     []float32 // for the elements, if they are in binary
	table    bool      // it is of a table's model, so that the elements are in cells
	cells    []any
}

// maxDims bounds a shape: the one that is taken has two.
const maxDims = 8

// rows is the number of samples, after name and shape were held against what
// the model takes.
func (t *inputTensor) rows(features, maxRows int) (int, error) {
	if t.name != inputName {
		return 0, badRequest("input %q: there is one input, %q", short(t.name), inputName)
	}
	if len(t.shape) != 2 || t.shape[1] != int64(features) || t.shape[0] < 1 {
		return 0, badRequest("shape: got %v, want [rows, %d]", t.shape, features)
	}
	if t.shape[0] > int64(maxRows) {
		return 0, failure{code: tooLarge, text: fmt.Sprintf("shape: %d rows, at most %d at once", t.shape[0], maxRows)}
	}
	return int(t.shape[0]), nil
}

// samples are the tensor's rows.
func (t *inputTensor) samples(features, maxRows int) (mat.Dense, error) {
	rows, err := t.rows(features, maxRows)
	if err != nil {
		return mat.Dense{}, err
	}
	kind, err := findDatatype(t.datatype)
	if err != nil {
		return mat.Dense{}, err
	}
	if t.size >= 0 {
		return t.decode(kind, rows, features)
	}
	if t.data == nil {
		return mat.Dense{}, badRequest("data: missing")
	}
	if got := len(t.data.values); got != rows*features || t.data.nested && t.data.row != features {
		what := strconv.Itoa(got) + " elements"
		if t.data.nested {
			what += fmt.Sprintf(" in rows of %d", t.data.row)
		}
		return mat.Dense{}, badRequest("data: %s, shape %v has %d", what, t.shape, rows*features)
	}
	if err := kind.check(t.data); err != nil {
		return mat.Dense{}, err
	}
	return mat.FromSlice(rows, features, t.data.values), nil
}

// decode is the tensor's rows from their binary form.
func (t *inputTensor) decode(kind *datatype, rows, features int) (mat.Dense, error) {
	if t.data != nil {
		return mat.Dense{}, badRequest("data: the input has binary_data_size too, want one of them")
	}
	if want := int64(rows) * int64(features) * int64(kind.size); t.size != want || int64(len(t.binary)) != want {
		return mat.Dense{}, badRequest("binary data: binary_data_size is %d and %d bytes came, shape %v of %s has %d", t.size, len(t.binary), t.shape, kind.name, want)
	}
	values := t.room[:rows*features]
	if err := kind.decode(values, t.binary); err != nil {
		return mat.Dense{}, err
	}
	return mat.FromSlice(rows, features, values), nil
}
