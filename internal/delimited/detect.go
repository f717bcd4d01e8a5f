package delimited

import (
	"bytes"
	"errors"
	"strconv"
)

// Separators are the separators that Detect knows, in the order of preference.
const Separators = ",;\t|" + string(Blanks)

// Detect finds what separates the fields of a text from its head: under which
// separator most lines have the same number of fields, of which few contain another
// separator. whole says that the head is all of the text, else its last line may be
// cut off. It is a comma if there is nothing to separate.
func Detect(head []byte, whole bool) byte {
	best, most := byte(','), 0.0
	for _, s := range []byte(Separators) {
		if v := fitness(Head(head, whole, s), s); v > most {
			best, most = s, v
		}
	}
	return best
}

// Head is the first records of a text, of which head is the beginning, or all.
func Head(head []byte, whole bool, separator byte) [][][]byte {
	const enough = 200
	var records [][][]byte
	r := NewReader(bytes.NewReader(head), separator)
	for len(records) < enough {
		fields, err := r.Read()
		if err != nil {
			if !whole && len(records) > 1 && !errors.As(err, new(*SyntaxError)) {
				records = records[:len(records)-1] // it may be cut off
			}
			break
		}
		record := make([][]byte, len(fields))
		for i, f := range fields {
			record[i] = bytes.Clone(f)
		}
		records = append(records, record)
	}
	return records
}

// fitness is the share of the records that have the most frequent number of fields,
// two or more, times the share of fields without another separator.
func fitness(records [][][]byte, separator byte) float64 {
	widths := map[int]int{}
	fields, clean := 0, 0
	for _, r := range records {
		if len(r) > 1 {
			widths[len(r)]++
		}
		for _, f := range r {
			fields++
			if !separates(f, separator) {
				clean++
			}
		}
	}
	most := 0
	for _, n := range widths {
		most = max(most, n)
	}
	if most == 0 {
		return 0
	}
	return float64(most) / float64(len(records)) * float64(clean) / float64(fields)
}

// separates reports whether a field looks as if something else than the separator
// separated it: it has another one in it, or is several numbers.
func separates(field []byte, separator byte) bool {
	if isNumber(bytes.Replace(field, []byte{','}, []byte{'.'}, 1)) { // with a decimal comma
		return false
	}
	if bytes.ContainsAny(field, ",;\t|") {
		return true
	}
	if separator == Blanks {
		return false
	}
	parts := bytes.Fields(field)
	for _, p := range parts {
		if !isNumber(p) {
			return false
		}
	}
	return len(parts) > 1
}

func isNumber(b []byte) bool {
	_, err := strconv.ParseFloat(string(b), 64)
	return err == nil
}
