package serve

import (
	"context"
	"errors"

	"github.com/dlam-go/dlam/mat"
)

// computePicture answers a request whose body is the file of a picture, of a model of
// pictures, with all outputs. A picture of many pixels, however small its file, waits as
// large requests do.
func (s *Server) computePicture(ctx context.Context, v *served, file []byte, g *grant) (res result, err error) {
	defer g.leave()
	if err := g.slot(s.set.MaxRequests); err != nil {
		return res, err
	}
	q := &request{}
	work, err := s.answerWork(v, q, 1)
	if err != nil {
		return res, err
	}
	if err := g.memory(work); err != nil {
		return res, err
	}
	sample, err := v.Transform.Picture(file, func(bytes int64) error {
		const many = 16 << 20 // bytes, which a picture of a million pixels takes
		if bytes > many || len(file) > large {
			if err := s.enter(ctx, g); err != nil {
				return err
			}
		}
		return g.memory(bytes)
	})
	if errors.As(err, new(failure)) {
		return res, err
	}
	if err != nil {
		return res, badRequest("%v", err)
	}
	inputs, err := v.predictor.Inputs(mat.FromSlice(1, len(sample), sample))
	if err != nil {
		return res, badRequest("%v", err)
	}
	return s.result(ctx, v, q, inputs, g)
}
