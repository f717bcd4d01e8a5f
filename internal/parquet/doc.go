// Package parquet reads flat tables from Parquet files: the numbers and texts of
// columns that have one value a row.
//
// Open reads what a file has, File.Columns names its columns, and File.Read gives
// their values:
//
//	f, err := parquet.Open(file, size)
//	if err != nil {
//		return err
//	}
//	err = f.Read([]int{0, 2}, 0, int(f.Rows()), func(k, row int, v parquet.Values) {
//		// v.Numbers or v.Texts are values of column 0 or 2, for k = 0 or 1, from row on
//	})
//
// All encodings and compressions that today's writers use are read (Apache
// Parquet, "File Format", "Encodings" and parquet.thrift); what is not, such as
// encryption and lists, is named in an error.
//
// A file is not trusted. The package allocates at most what its size justifies,
// 1032 times as much, never what it merely claims, and no content makes it panic.
// That is why it exists beside the libraries that write Parquet.
package parquet
