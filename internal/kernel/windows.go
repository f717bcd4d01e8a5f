package kernel

// largestGo is Largest.
func largestGo(v []float32, win []int32, z []float32, channels, step int, offsets []int) {
	for w := 0; w*channels < len(v); w++ {
		out := v[w*channels:][:channels]
		copy(out, z[w*step:])
		if win != nil {
			clear(win[w*channels:][:channels])
		}
		for k, off := range offsets[1:] {
			for i, x := range z[w*step+off:][:channels] {
				if x > out[i] {
					out[i] = x
					if win != nil {
						win[w*channels+i] = int32(k + 1)
					}
				}
			}
		}
	}
}

// spreadGo is Spread.
func spreadGo(z, v []float32, win []int32, channels, step int, offsets []int) {
	for w := 0; w*channels < len(v); w++ {
		for k, off := range offsets {
			for i, x := range v[w*channels:][:channels] {
				if win[w*channels+i] != int32(k) {
					x = 0
				}
				z[w*step+off+i] = x
			}
		}
	}
}
