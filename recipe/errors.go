package recipe

import (
	"errors"
	"fmt"
)

// ErrRefused is what every error wraps that refuses data or options before
// training starts; nothing has been written then. Errors of reading data wrap
// dataset.ErrInput instead.
var ErrRefused = errors.New("refused")

// ErrEnded is what the refusal to go on with a run wraps that has ended: its folder has the
// model.
var ErrEnded = errors.New("the run has ended")

// refusal is an error that wraps ErrRefused without saying so.
type refusal struct{ error }

func (refusal) Is(target error) bool { return target == ErrRefused }
func (r refusal) Unwrap() error      { return r.error }

func refusef(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }

// refuse makes err, which may be nil, a refusal.
func refuse(err error) error {
	if err == nil {
		return nil
	}
	return refusal{err}
}
