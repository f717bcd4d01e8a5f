package picture

import (
	"fmt"
	"strconv"
	"strings"
)

// Image is the shape of a sample that is a picture, stored row by row with
// channels last. The zero value means that samples are not pictures.
type Image struct {
	Height   int     `json:"height"` // in pixels
	Width    int     `json:"width"`  // in pixels
	Channels int     `json:"channels"`
	Max      float32 `json:"max"` // the value of full intensity
	// Of pictures from files: the bits of a channel, 8 or 16, and how those of another
	// size are made this one. 0 for others, and "" where another size is refused.
	Bits   int    `json:"bits,omitempty"`
	Resize Resize `json:"resize,omitempty"`
}

// Resize is how a picture gets another size.
type Resize string

// Crop scales the middle of a picture, the largest part that has the shape wanted: by
// bilinear interpolation, over as many pixels as one of the new size covers.
const Crop Resize = "crop"

// Size is that of a picture, in pixels.
type Size struct{ Width, Height int }

// String is the size as ParseSize reads it.
func (s Size) String() string { return fmt.Sprintf("%dx%d", s.Width, s.Height) }

// Validate reports a side of no pixels.
func (s Size) Validate() error {
	if s.Width < 1 || s.Height < 1 {
		return fmt.Errorf("got %v, want sides of at least 1 pixel", s)
	}
	return nil
}

// ParseSize reads a size as 64x48, the width first; 64 alone is a square.
func ParseSize(text string) (s Size, err error) {
	width, height, two := strings.Cut(text, "x")
	if !two {
		height = width
	}
	if s.Width, err = strconv.Atoi(width); err == nil {
		s.Height, err = strconv.Atoi(height)
	}
	if err != nil || s.Validate() != nil {
		return Size{}, fmt.Errorf("got %q, want WIDTHxHEIGHT in pixels, as 64x48, or one number for a square", text)
	}
	return s, nil
}

// String is the shape as messages show it.
func (im Image) String() string {
	if im.Width == 0 {
		return "no pictures"
	}
	return fmt.Sprintf("%d×%d×%d pictures", im.Height, im.Width, im.Channels)
}
