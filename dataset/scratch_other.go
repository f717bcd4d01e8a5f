//go:build !linux

package dataset

import "errors"

func mapped(string, int) ([]float32, error) {
	return nil, errors.New("this system cannot: it takes Linux")
}

func unmapped([]float32) error { return nil }
