package sync

import "github.com/dlam-go/dlam"

var _ dlam.Scheduled = Solver{}

// Epochs is over how many epochs the steps are laid out, with mini-batches; 0 with
// all samples at a time, where nothing follows from how many there will be.
func (s Solver) Epochs() int {
	if s.Settings.Batch == 0 {
		return 0
	}
	return s.Settings.Epochs
}
