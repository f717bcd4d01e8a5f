package picture

import (
	"fmt"
	"slices"
	"strings"
)

// Moves are the ways in which pictures are changed by chance beside small shifts. Which
// of them leave a picture what it is depends on what there is to be seen.
type Moves struct {
	Flip       bool // half of the pictures are mirrored, left for right
	Crop       bool // a part with sides of 80 to 100 %, at any place, is enlarged to the whole
	Brightness bool // values are multiplied by a number from 0.8 to 1.2
}

const (
	cropped = 0.2 // largest share of a side that Crop leaves out
	lighter = 0.2 // largest relative change of Brightness
)

// Change is one change of a picture.
type Change struct {
	Down, Across float64 // shift, in pixels
	Size         float64 // of the part that is enlarged to the whole, as a share of its sides; 1 for all
	Mirrored     bool    // left for right, after the shift
	Light        float32 // factor of the values
}

// moveNames are the moves by name.
var moveNames = []string{"flip", "crop", "brightness"}

// named is the fields in the order of moveNames.
func (m *Moves) named() []*bool { return []*bool{&m.Flip, &m.Crop, &m.Brightness} }

// String is m as ParseMoves reads it.
func (m Moves) String() string {
	var names []string
	for i, on := range m.named() {
		if *on {
			names = append(names, moveNames[i])
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ",")
}

// ParseMoves reads names with commas between, as flip,crop, or none.
func ParseMoves(text string) (m Moves, err error) {
	if text == "none" {
		return m, nil
	}
	for name := range strings.SplitSeq(text, ",") {
		i := slices.Index(moveNames, strings.TrimSpace(name))
		if i < 0 {
			return Moves{}, fmt.Errorf("got %q, want some of %s with commas between, or none", text, strings.Join(moveNames, ", "))
		}
		*m.named()[i] = true
	}
	return m, nil
}
