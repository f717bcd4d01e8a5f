// Package dataset reads training data: IDX, CSV, NPY/NPZ, Parquet and image
// folders, and the named data sets digits (embedded), mnist and fashion-mnist
// (found on disk, or downloaded once).
package dataset
