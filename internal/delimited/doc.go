// Package delimited reads text in which each line is a record of fields between
// separators: CSV, tab-separated values, columns aligned by blanks.
//
// Its rules are those that spreadsheets and pandas follow rather than RFC 4180: a
// quote opens a quoted field only where a field begins, and is a character like any
// other elsewhere (5" pipe); text after a closing quote belongs to the field; lines
// end with LF, CR LF or CR; empty lines are no records. Blanks around a field are
// not part of it. A quoted field may go over several lines.
//
// A Reader allocates nothing once its buffer holds the longest record, and asks
// before the buffer grows.
package delimited
