package syncdlam

// A run whose network is far worse than the same outputs for all samples begins again
// from its start, with smaller steps over the epochs that are left: after a half of
// them, and after another half of the rest. One whose parameters are no numbers any
// more does so at once. The weights of the outputs then begin at 0, so that the network
// is the best constant: it may get better, and has nowhere to come from.
const (
	attempts    = 3
	hopeless    = 2    // times the risk of the best constant: such a network has not begun to learn
	retryFactor = 0.25 // of the steps of the attempt before
)

// mayRetry reports whether there are an attempt and epochs left.
func (s *miniBatch) mayRetry() bool { return s.attempt+1 < attempts && s.epochs < s.Epochs }

// halfDone reports whether half of the epochs that the attempt has are done.
func (s *miniBatch) halfDone() bool { return s.epochs == s.began+(s.Epochs-s.began+1)/2 }

// retry begins another attempt.
func (s *miniBatch) retry() {
	s.attempt++
	s.began, s.updates, s.step, s.lookahead, s.stale = s.epochs, 0, 0, 0, false
	s.set(s.start)
	if last := s.net.Layers[len(s.net.Layers)-1]; s.output != nil {
		clear(last.W.Data)
		copy(last.B, s.output)
		if b := s.layers[len(s.layers)-1].binary; b != nil {
			clear(b.s)
			clear(b.meanS)
		}
	}
	s.mean.CopyFrom(s.net)
	for l := range s.layers {
		ly := &s.layers[l]
		clear(ly.v.W.Data)
		clear(ly.v.B)
		ly.metric.forget()
	}
	s.planAttempt()
}

// Constant is the mean risk of outputs that are the same for all training samples.
func (s *miniBatch) Constant() float64 { return s.constant }
