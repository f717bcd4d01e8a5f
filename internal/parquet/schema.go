package parquet

import (
	"errors"
	"time"
)

// Physical types of values (parquet.thrift: Type).
const (
	typeBoolean = iota
	typeInt32
	typeInt64
	typeInt96
	typeFloat
	typeDouble
	typeByteArray
	typeFixedArray
)

// How often a value may be there (parquet.thrift: FieldRepetitionType); 0 is
// exactly once.
const (
	repetitionOptional = 1
	repetitionRepeated = 2
)

// schema is the tree of columns as the footer stores it: depth first.
type schema struct {
	elements []element // that are not read yet
	columns  []Column
}

// element is a column, or a group that contains the next elements.
type element struct {
	column     Column
	leaf       bool
	repetition int64
	children   int64 // of a group
}

// readElement reads SchemaElement.
func readElement(r *thriftReader, kind byte) (e element) {
	c := &e.column
	r.structure(kind, func(id int64, kind byte) {
		switch id {
		case 1:
			c.physical, e.leaf = r.int(kind), true
		case 2:
			c.length = r.int(kind)
		case 3:
			e.repetition = r.int(kind)
		case 4:
			c.Name = string(r.text(kind))
		case 5:
			e.children = r.int(kind)
		case 6:
			c.readConvertedType(r.int(kind))
		case 7:
			c.scale = r.int(kind)
		case 8:
			c.precision = r.int(kind)
		case 10:
			r.structure(kind, func(id int64, kind byte) { c.readLogicalType(r, id, kind) })
		default:
			r.skip(kind)
		}
	})
	return e
}

// readConvertedType takes what values mean from ConvertedType, which older writers
// use instead of LogicalType.
func (c *Column) readConvertedType(v int64) {
	switch v {
	case 5:
		c.meaning = meansDecimal
	case 6:
		c.meaning, c.unit = meansTime, day
	case 9:
		c.meaning, c.unit = meansTime, time.Millisecond
	case 10:
		c.meaning, c.unit = meansTime, time.Microsecond
	case 11, 12, 13, 14: // UINT_8 to UINT_64
		c.unsigned = true
	case 21:
		c.meaning = meansInterval
	}
}

// readLogicalType takes what values mean from LogicalType, of which id is the
// alternative.
func (c *Column) readLogicalType(r *thriftReader, id int64, kind byte) {
	const decimal, date, timestamp, integer, uuid, float16 = 5, 6, 8, 10, 14, 15
	switch id {
	case decimal:
		c.meaning = meansDecimal
	case date:
		c.meaning, c.unit = meansTime, day
	case timestamp:
		c.meaning = meansTime
	case uuid:
		c.meaning = meansUUID
	case float16:
		c.meaning = meansHalf
	case integer:
	default:
		r.skip(kind)
		return
	}
	r.structure(kind, func(field int64, kind byte) {
		switch {
		case id == decimal && field == 1:
			c.scale = r.int(kind)
		case id == decimal && field == 2:
			c.precision = r.int(kind)
		case id == timestamp && field == 2:
			r.structure(kind, func(unit int64, kind byte) {
				c.unit = map[int64]time.Duration{1: time.Millisecond, 2: time.Microsecond, 3: time.Nanosecond}[unit]
				r.skip(kind)
			})
		case id == integer && field == 2:
			c.unsigned = kind == thriftFalse
			r.skip(kind)
		default:
			r.skip(kind)
		}
	})
}

// leaves are the columns of the schema.
func (s *schema) leaves() ([]Column, error) {
	if len(s.elements) == 0 {
		return nil, errors.New("it is empty")
	}
	root := s.elements[0]
	s.elements = s.elements[1:]
	if err := s.addGroup(root.children, Column{}, 1); err != nil {
		return nil, err
	}
	if len(s.elements) > 0 {
		return nil, errors.New("it has elements outside of its root")
	}
	return s.columns, nil
}

// addGroup adds the columns of a group with the given number of children. in has
// the group's name and says whether it is optional or a list.
func (s *schema) addGroup(children int64, in Column, depth int) error {
	const longest = 1 << 10 // of a group's name, which each of its columns repeats
	if depth > maxDepth || len(in.Name) > longest {
		return errDepth
	}
	for ; children > 0; children-- {
		if len(s.elements) == 0 {
			return errTruncated
		}
		e := s.elements[0]
		s.elements = s.elements[1:]
		c := e.column
		c.Name = in.Name + c.Name
		c.optional, c.repeated = in.optional, in.repeated || e.repetition == repetitionRepeated
		if e.repetition == repetitionOptional {
			c.optional++
		}
		if e.leaf {
			s.columns = append(s.columns, c)
			continue
		}
		c.Name += "."
		if err := s.addGroup(e.children, c, depth+1); err != nil {
			return err
		}
	}
	return nil
}
