package dataset

import "errors"

// parquetSchema is the tree of columns as the footer has it: depth first.
type parquetSchema struct {
	elements []parquetElement
	columns  []parquetColumn
}

// parquetElement is a column, or a group that the next so many elements and
// what is in them are in.
type parquetElement struct {
	column     parquetColumn
	leaf       bool
	repetition int64
	children   int64
}

// How often a value may be there; 0 is once.
const (
	parquetOptional = 1
	parquetRepeated = 2
)

// parquetElementOf reads SchemaElement.
func parquetElementOf(r *compact, kind byte) (e parquetElement) {
	c := &e.column
	r.structure(kind, func(id int64, kind byte) {
		switch id {
		case 1:
			c.kind, e.leaf = r.int(kind), true
		case 2:
			c.length = r.int(kind)
		case 3:
			e.repetition = r.int(kind)
		case 4:
			c.name = string(r.text(kind))
		case 5:
			e.children = r.int(kind)
		case 6: // ConvertedType
			v := r.int(kind)
			c.decimal = c.decimal || v == 5
			c.unsigned = c.unsigned || v >= 11 && v <= 14
		case 7:
			c.scale = r.int(kind)
		case 10:
			r.structure(kind, func(id int64, kind byte) { c.logical(r, id, kind) })
		default:
			r.skip(kind)
		}
	})
	return e
}

// logical reads what matters of a LogicalType: DECIMAL's scale and INTEGER's sign.
func (c *parquetColumn) logical(r *compact, id int64, kind byte) {
	c.decimal = c.decimal || id == 5
	if id != 5 && id != 10 {
		r.skip(kind)
		return
	}
	r.structure(kind, func(field int64, kind byte) {
		switch {
		case id == 5 && field == 1:
			c.scale = r.int(kind)
			return
		case id == 10 && field == 2:
			c.unsigned = kind == thriftFalse
		}
		r.skip(kind)
	})
}

// leaves are the columns.
func (s *parquetSchema) leaves() ([]parquetColumn, error) {
	if len(s.elements) == 0 {
		return nil, errors.New("it is empty")
	}
	root := s.elements[0]
	s.elements = s.elements[1:]
	if err := s.group(root.children, parquetColumn{}, 1); err != nil {
		return nil, err
	}
	if len(s.elements) > 0 {
		return nil, errors.New("it has elements outside of its root")
	}
	return s.columns, nil
}

// group reads so many elements in a group whose name is in.name.
func (s *parquetSchema) group(children int64, in parquetColumn, depth int) error {
	const longest = 1 << 10 // each column repeats the name
	if depth > deepest || len(in.name) > longest {
		return errDeep
	}
	for ; children > 0; children-- {
		if len(s.elements) == 0 {
			return errCut
		}
		e := s.elements[0]
		s.elements = s.elements[1:]
		c := e.column
		c.name = in.name + c.name
		c.optional, c.repeated = in.optional, in.repeated || e.repetition == parquetRepeated
		if e.repetition == parquetOptional {
			c.optional++
		}
		if e.leaf {
			s.columns = append(s.columns, c)
			continue
		}
		c.name += "."
		if err := s.group(e.children, c, depth+1); err != nil {
			return err
		}
	}
	return nil
}
