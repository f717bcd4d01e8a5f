//go:build unix

package bench

import (
	"context"
	"os"
	"testing"

	"github.com/dlam-go/dlam/dataset"
)

// BenchmarkColumns reads the table that DLAM_TABLE names, whose label is called label,
// and makes features of its columns, in -cpu threads. bench/peers/columns.py writes
// one, and reads it with pandas.
func BenchmarkColumns(b *testing.B) {
	path := os.Getenv("DLAM_TABLE")
	if path == "" {
		b.Skip("DLAM_TABLE names no table")
	}
	start := cpuSeconds(b)
	var bytes float64
	for b.Loop() {
		s, err := dataset.Open(context.Background(), path, dataset.Options{Label: "label"})
		if err != nil {
			b.Fatal(err)
		}
		t, err := dataset.Fit(s.Train, dataset.ScaleStandard, 1)
		if err != nil {
			b.Fatal(err)
		}
		d, err := t.Move(s.Train)
		if err != nil {
			b.Fatal(err)
		}
		bytes = d.Bytes()
	}
	b.ReportMetric((cpuSeconds(b)-start)/float64(b.N), "CPU-s/op")
	b.ReportMetric(bytes/1e6, "matrix-MB")
}
