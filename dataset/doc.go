// Package dataset reads training data: IDX, CSV, NPY/NPZ, Parquet and image
// folders, and the named data sets digits (embedded), mnist and fashion-mnist
// (found on disk, or downloaded once).
//
// Files are not trusted: a reader allocates no more than the bytes of the file
// justify (1032 times as much where they may be compressed), and every fault is
// an error that wraps ErrInput and names the file and the place in it.
//
// The embedded digits are the test part of "Optical Recognition of Handwritten
// Digits" by E. Alpaydin and C. Kaynak, UCI Machine Learning Repository,
// licence CC BY 4.0.
package dataset
