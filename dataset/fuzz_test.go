package dataset

import (
	"bytes"
	"context"
	"errors"
	"testing"
)

// fuzzFile feeds arbitrary content to readFile under a name: it may refuse it,
// with ErrInput, or give a consistent data set; never panic.
func fuzzFile(f *testing.F, name string, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := write(t, name, content)
		d, err := readFile(context.Background(), path, Options{})
		if err != nil {
			if !errors.Is(err, ErrInput) {
				t.Fatalf("error is not ErrInput: %v", err)
			}
			return
		}
		if len(d.X.Data) < d.X.Rows*d.X.Cols {
			t.Fatalf("%d×%d matrix of %d elements", d.X.Rows, d.X.Cols, len(d.X.Data))
		}
		if d.Class != nil && len(d.Class) != d.Rows() {
			t.Fatalf("%d classes for %d samples", len(d.Class), d.Rows())
		}
	})
}

func FuzzIDX(f *testing.F) {
	image := idxBytes(8, []int{2, 2, 2}, []byte("abcdefgh"))
	fuzzFile(f, "x-images-idx3", image, zipped(image), idxBytes(0x0E, []int{1}, bytes.Repeat([]byte{1}, 8)), idxBytes(8, []int{1 << 30, 1 << 30}, nil))
}

func FuzzCSV(f *testing.F) {
	fuzzFile(f, "x.csv", []byte("a,b,label\n1,2,x\n3,4,y\n"), []byte("1;2;3\n4;5;6\n"), []byte("\"a\"\"b\",c\n1,2\n"), zipped([]byte("1,2\n")))
}

func FuzzNPY(f *testing.F) {
	fuzzFile(f, "x.npy", npyBytes(f, []float32{1, 2}), npyBytes(f, []int64{1}), []byte("\x93NUMPY\x01\x00"))
}

func FuzzNPZ(f *testing.F) {
	fuzzFile(f, "x.npz", npzBytes(f, map[string]any{"X": []float32{1, 2}, "y": []int64{0, 1}}))
}

func FuzzJSONLines(f *testing.F) {
	fuzzFile(f, "x.jsonl", []byte("{\"a\": 1, \"y\": \"p\"}\n{\"y\": \"q\", \"a\": 2.5, \"b\": true}\n"), []byte("{\"a\": [1]}"), zipped([]byte("{\"a\":null}\r\n")))
}
