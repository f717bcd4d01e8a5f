//go:build !purego

package kernel

// Largest writes to v, for each window of places of z, the largest of each of the
// channels, and to win, unless it is nil, which offset it was at; of equal ones the first.
// Windows begin step elements apart, and have their places at the offsets, of which the
// first is 0.
func Largest(v []float32, win []int32, z []float32, channels, step int, offsets []int) {
	windows := len(v) / channels
	if level == generic || windows == 0 {
		largestGo(v, win, z, channels, step, offsets)
		return
	}
	_ = z[(windows-1)*step+offsets[len(offsets)-1]+channels-1]
	var to *int32
	if win != nil {
		to = &win[:len(v)][0]
	}
	largestAVX2(windows, channels, &z[0], step, &offsets[0], len(offsets), &v[0], to)
}

// Spread writes v to z at the offsets that win says, and 0 at the windows' other ones;
// see Largest.
func Spread(z, v []float32, win []int32, channels, step int, offsets []int) {
	windows := len(v) / channels
	if level == generic || windows == 0 {
		spreadGo(z, v, win, channels, step, offsets)
		return
	}
	_ = z[(windows-1)*step+offsets[len(offsets)-1]+channels-1]
	win = win[:len(v)]
	spreadAVX2(windows, channels, &z[0], step, &offsets[0], len(offsets), &v[0], &win[0])
}
