// Package table holds typed columns: numbers, truth values, times and texts, with
// the places where a value is missing.
//
// A Builder makes a Table. Readers of files whose values have types (Parquet, NPY)
// add them by type; readers of text (CSV) add texts, from which the Builder finds
// what kind of column it is:
//
//	b := table.NewBuilder("sales.csv", []string{"size", "sold"}, table.Settings{})
//	for … {
//		b.Line = line
//		b.AddText(0, field0)
//		b.AddText(1, field1)
//		if err := b.Err(); err != nil {
//			return err
//		}
//	}
//	t, err := b.Table()
//
// Nothing is rounded: integers stay integers, and decimal fractions are kept as
// integers in units of a power of ten where that takes less memory. Columns are
// stored in chunks of some thousand rows, each in the narrowest form that holds
// its values exactly, and every byte is asked of a Budget before it is taken.
package table
