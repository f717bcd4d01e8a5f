// Package mat is the dense float32 matrix of the project: row-major, a sample
// a row. A Dense is a small value that refers to its elements: copying it, or
// taking a view, never copies elements.
package mat
