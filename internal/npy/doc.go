// Package npy reads arrays in NumPy's file format, versions 1 to 3: booleans,
// integers and floating-point numbers of all common sizes and both byte orders,
// texts of fixed length, dates, in C and in Fortran order.
//
// ReadHeader tells what an array is; the elements that follow are bytes, which a
// Type turns into numbers, times or texts:
//
//	h, err := npy.ReadHeader(r)
//	if err != nil {
//		return err
//	}
//	raw := make([]byte, n*h.Type.Size)
//	if _, err := io.ReadFull(r, raw); err != nil {
//		return err
//	}
//	h.Type.Floats(values, raw, h.Type.Size)
//
// The header is read as the Python literal that it is: its keys may be in any order
// and it may have blanks or lack the last comma, as other programs write it.
package npy
