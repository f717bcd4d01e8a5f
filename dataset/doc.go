// Package dataset reads training data: CSV and its relatives, NPY/NPZ, Parquet, IDX
// and image folders, and the named data sets digits (embedded), mnist and
// fashion-mnist (found on disk, or downloaded once).
//
// Reading takes two steps: a file becomes a table of typed columns (package table),
// and one place makes of any table features and labels. IDX files, arrays of three
// dimensions or more, and pictures become samples at once.
//
// Files are not trusted: memory is counted against Options.MaxMemory before it is
// taken, and every fault is an error that wraps ErrInput and names the file and the
// place in it.
//
// The embedded digits are the test part of "Optical Recognition of Handwritten
// Digits" by E. Alpaydin and C. Kaynak, UCI Machine Learning Repository,
// licence CC BY 4.0.
package dataset
