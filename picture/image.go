package picture

import "fmt"

// Image is the shape of a sample that is a picture, stored row by row with
// channels last. The zero value means that samples are not pictures.
type Image struct {
	Height   int     `json:"height"` // in pixels
	Width    int     `json:"width"`  // in pixels
	Channels int     `json:"channels"`
	Max      float32 `json:"max"` // the value of full intensity
}

// String is the shape as messages show it.
func (im Image) String() string {
	if im.Width == 0 {
		return "no pictures"
	}
	return fmt.Sprintf("%d×%d×%d pictures", im.Height, im.Width, im.Channels)
}
