package dataset

import "github.com/dlam-go/dlam/mat"

// Dataset is a table of samples: features, and a class or values for each.
type Dataset struct {
	Name     string
	X        mat.Dense // one row a sample
	Class    []int32   // class of each sample; nil for a regression or if unlabelled
	Classes  []string  // class names, in the order of their numbers
	Value    mat.Dense // values to predict, one row a sample; no rows for a classification
	Features []string  // names of the columns of X, or nil
	Image    Image     // shape of a row of X, if it is an image
}

// Image is the shape of a sample that is a picture, stored row by row with
// channels last. The zero value means no picture.
type Image struct{ Height, Width, Channels int }

// Split is a data set divided for training and testing. Test has no rows if
// there is none.
type Split struct{ Train, Test Dataset }

// Rows is the number of samples.
func (d Dataset) Rows() int { return d.X.Rows }

// Labelled reports whether each sample has a class or values.
func (d Dataset) Labelled() bool { return d.Class != nil || d.Value.Rows > 0 }

// RowRange is the view of samples lo to hi-1.
func (d Dataset) RowRange(lo, hi int) Dataset {
	d.X = d.X.RowRange(lo, hi)
	if d.Class != nil {
		d.Class = d.Class[lo:hi]
	}
	if d.Value.Rows > 0 {
		d.Value = d.Value.RowRange(lo, hi)
	}
	return d
}
