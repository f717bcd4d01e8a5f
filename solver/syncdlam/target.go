package syncdlam

// targetLevel is how far towards the least possible risk a step aims. Polyak's step
// would know the least risk that this network can have, which is more than the least
// possible one where labels disagree or targets have noise. As Nedić & Bertsekas (2001)
// have it, it aims at all of the way at first, and at half of that each time that
// a pass over the samples has not brought their risk below the least one before: the
// same samples, so that no chance of which ones a batch has is mistaken for a rise.
type targetLevel struct {
	share  float64 // of the way
	lowest float64 // risk of a pass; 0 before the first
	// of the pass under way, which is as many epochs as have passUpdates
	risk            float64
	epochs, updates int
}

const (
	passUpdates = 20  // updates, at least, that are told from those before
	raise       = 1.1 // of share after a pass that has brought the risk down
)

// observe takes an epoch's mean risk of its batches, each before its own step.
func (t *targetLevel) observe(risk float64, updates int) {
	t.risk += risk
	t.epochs++
	t.updates += updates
	if t.updates < passUpdates {
		return
	}
	mean := t.risk / float64(t.epochs)
	t.risk, t.epochs, t.updates = 0, 0, 0
	switch {
	case t.lowest == 0:
		t.lowest = mean
	case mean > t.lowest:
		t.share /= 2
	default:
		t.lowest = mean
		t.share = min(1, raise*t.share)
	}
}
