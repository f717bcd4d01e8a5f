package experiment

// What the paper states, transcribed from its section 4. Its figures are
// pictures without numbers; what is known of their curves is what the text
// says of them.

// The paper's training sets (section 4.1.1): MNIST is pooled to 14×14.
const (
	mnist   = "mnist"
	fashion = "fashion-mnist"
)

// Levels that section 4.2.2 gives the curves of Figures 2 and 3: DLAM "soared
// to 0.7 at the early stage, and then raised steadily towards to 0.8 or more";
// ADMM "rocketed to around 0.8, but decreased slightly later on".
const (
	paperEarly = 0.7
	paperEnd   = 0.8
)

// publishedRho are the rows of Table 2.
var publishedRho = [...]float64{1e-4, 1e-3, 1e-2, 1e-1, 1}

// publishedRows are the columns of Table 2: numbers of training samples.
func publishedRows(data string) [5]int {
	if data == mnist {
		return [...]int{11000, 22000, 33000, 44000, 55000}
	}
	return [...]int{12000, 24000, 36000, 48000, 60000}
}

// publishedSeconds are the cells of Table 2: seconds per iteration on a GTX
// 1080 Ti, the average of 150, by ρ and samples.
func publishedSeconds(data string) [5][5]float64 {
	if data == mnist {
		return [5][5]float64{
			{0.1692, 0.3216, 0.5010, 0.7164, 0.9413},
			{0.2061, 0.4328, 0.6951, 0.9792, 1.2442},
			{0.3334, 0.6516, 1.0277, 1.3956, 1.7783},
			{0.4795, 0.9428, 1.4524, 1.959, 2.4410},
			{0.7684, 1.4810, 2.2626, 3.0299, 3.7504},
		}
	}
	return [5][5]float64{
		{0.2500, 0.5081, 0.8492, 1.1911, 1.5092},
		{0.2980, 0.5980, 0.9595, 1.3265, 1.6744},
		{0.4199, 0.8028, 1.2787, 1.7535, 2.2025},
		{0.5758, 1.0928, 1.7230, 2.3261, 2.9234},
		{0.8795, 1.6464, 2.5580, 3.4492, 4.2902},
	}
}
