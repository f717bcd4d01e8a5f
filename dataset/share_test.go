package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/dlam-go/dlam/comm"
)

// shares opens path in every rank of a group at once.
func shares(path string, size int, o Options) ([]Split, []error) {
	parts, errs := make([]Split, size), make([]error, size)
	var wait sync.WaitGroup
	for r, c := range comm.Group(size) {
		wait.Go(func() {
			o := o
			o.Comm = c
			parts[r], errs[r] = Open(context.Background(), path, o)
		})
	}
	wait.Wait()
	return parts, errs
}

// trainShares are the training data of every rank of a group.
func trainShares(t *testing.T, path string, size int, o Options) (train []Dataset) {
	t.Helper()
	parts, errs := shares(path, size, o)
	for r := range parts {
		if errs[r] != nil {
			t.Fatal(errs[r])
		}
		train = append(train, parts[r].Train)
	}
	return train
}

// wantShares holds that the parts, one after another, are the whole.
func wantShares(t *testing.T, whole Dataset, parts []Dataset) {
	t.Helper()
	var x, value []float32
	var class []int32
	for r, p := range parts {
		if !slices.Equal(p.Classes, whole.Classes) || p.Image != whole.Image || !slices.Equal(p.Features, whole.Features) {
			t.Errorf("rank %d of %d: classes %q, %v, features %q; the whole has %q, %v, %q", r, len(parts), p.Classes, p.Image, p.Features, whole.Classes, whole.Image, whole.Features)
		}
		if p.Rows() == whole.Rows() && len(parts) > 1 {
			t.Errorf("rank %d of %d has all %d samples", r, len(parts), p.Rows())
		}
		x, class, value = append(x, p.X.Data...), append(class, p.Class...), append(value, p.Value.Data...)
	}
	if !slices.Equal(x, whole.X.Elements()) || !slices.Equal(class, whole.Class) || !slices.Equal(value, whole.Value.Elements()) {
		t.Errorf("%d shares are not the whole", len(parts))
	}
}

// sources are files of every format, of 37 samples or so, sorted by class so
// that no rank has all classes.
func sources(t *testing.T) map[string]string {
	images, labels := make([]byte, 37*4), make([]byte, 37)
	var table, quoted, values strings.Builder
	table.WriteString("a,b,label\r\n")
	var rows []parquetRow
	for i := range 37 {
		for j := range 4 {
			images[4*i+j] = byte(7*i + j)
		}
		labels[i] = byte(i / 10)
		fmt.Fprintf(&table, "%d,%g,%s\r\n", i, 0.5*float64(i), []string{"cat", "dog", "é", "bee"}[i/10])
		fmt.Fprintf(&quoted, "\"%d\",%d,%d\n", i, i*i, i/10)
		fmt.Fprintf(&values, "%d,%g\n", i, 0.25*float64(i))
		rows = append(rows, parquetRow{float64(i), int32(i), []string{"x", "y", "z", "w"}[i/10]})
	}
	var groups bytes.Buffer
	w := parquet.NewGenericWriter[parquetRow](&groups, parquet.MaxRowsPerRowGroup(8))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	idx := idxBytes(8, []int{37, 2, 2}, images)
	s := map[string]string{
		"idx":         write(t, "some-images-idx3-ubyte", idx),
		"idx, zipped": write(t, "some-images-idx3-ubyte", zipped(idx)),
		"csv":         write(t, "table.csv", []byte(table.String())),
		"csv, zipped": write(t, "table.csv.gz", zipped([]byte(table.String()))),
		"no header":   write(t, "quoted.csv", []byte(strings.TrimSuffix(quoted.String(), "\n"))),
		"values":      write(t, "values.csv", []byte(values.String())),
		"parquet":     write(t, "table.parquet", groups.Bytes()),
		"npz":         write(t, "a.npz", npzBytes(t, map[string]any{"X": []float32{1, 2, 3, 4, 5}, "y": []int64{0, 0, 1, 1, 1}})),
	}
	for _, name := range []string{"idx", "idx, zipped"} {
		labelFile := filepath.Join(filepath.Dir(s[name]), "some-labels-idx1-ubyte")
		if err := os.WriteFile(labelFile, idxBytes(8, []int{37}, labels), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	for i := range 7 {
		dir := filepath.Join(folder, fmt.Sprint("class", i/3))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		drawing(t, filepath.Join(dir, fmt.Sprint(i, ".png")), 3, color.Gray{Y: uint8(20 * i)})
	}
	s["pictures"] = folder
	s["digits"] = "digits"
	return s
}

// Shares of every format, on any number of ranks, are the whole in order; so
// are those of the first samples.
func TestShares(t *testing.T) {
	for name, path := range sources(t) {
		t.Run(name, func(t *testing.T) {
			for _, limit := range []int{0, 5} {
				whole, err := Open(context.Background(), path, Options{Limit: limit})
				if err != nil {
					t.Fatal(err)
				}
				if limit > 0 && whole.Train.Rows() != limit {
					t.Errorf("limit %d: %d samples", limit, whole.Train.Rows())
				}
				for size := 1; size <= 5; size++ {
					parts, errs := shares(path, size, Options{Limit: limit})
					var train, test []Dataset
					for r := range parts {
						if errs[r] != nil {
							t.Fatalf("rank %d of %d: %v", r, size, errs[r])
						}
						train, test = append(train, parts[r].Train), append(test, parts[r].Test)
					}
					wantShares(t, whole.Train, train)
					if whole.Test.Rows() > 0 {
						wantShares(t, whole.Test, test)
					}
				}
			}
		})
	}
}

// NPY files have no labels to train on, but are read by shares too.
func TestNPYShares(t *testing.T) {
	for name, content := range map[string][]byte{
		"float64": npyBytes(t, []float64{1, 2, 3, 4, 5, 6, 7, 8.5}), "uint8": npyBytes(t, []uint8{1, 2, 3, 250, 5, 6, 7}),
	} {
		path := write(t, name+".npy", content)
		whole := open(t, path, Options{}).Train
		for size := 1; size <= 4; size++ {
			wantShares(t, whole, trainShares(t, path, size, Options{}))
		}
	}
}

// Each rank reads its rows alone: what lies in another's part of the file may
// be anything.
func TestSharesReadNoMore(t *testing.T) {
	path := write(t, "images-idx2", idxBytes(0x0D, []int{4, 1}, []byte{
		0x3f, 0x80, 0, 0, 0x40, 0, 0, 0, 0x7f, 0xc0, 0, 0, 0x7f, 0xc0, 0, 0}))
	parts, errs := shares(path, 2, Options{})
	if errs[0] != nil || !slices.Equal(parts[0].Train.X.Data, []float32{1, 2}) {
		t.Errorf("rank 0: %v, %v", parts[0].Train.X.Data, errs[0])
	}
	if errs[1] == nil {
		t.Error("rank 1: NaN was accepted")
	}
}

// What is wrong in a share is told with its line in the file.
func TestShareErrors(t *testing.T) {
	path := write(t, "table.csv", []byte("a,label\n"+strings.Repeat("1,x\n2,y\n", 20)+"1,\n"))
	if err := lastError(path, 3); err == nil || !strings.Contains(err.Error(), "line 42, column") {
		t.Errorf("got %v, want line 42", err)
	}
	path = write(t, "short.csv", []byte("a,label\n1,x\n2,y\n"))
	if err := lastError(path, 1); err != nil {
		t.Error(err)
	}
}

// lastError is what the last rank says of a file that it alone finds fault
// with; the others, who would wait for it, are a Comm that does not wait.
func lastError(path string, size int) error {
	_, err := Open(context.Background(), path, Options{Comm: lonely{size: size}})
	return err
}

// lonely is the last rank of a job whose others have nothing to add.
type lonely struct {
	comm.Self
	size int
}

func (lonely) Sum([]float64) error { return nil }
func (l lonely) Rank() int         { return l.size - 1 }
func (l lonely) Size() int         { return l.size }

// The scaling, the held-back samples, and whether there are two classes do not
// depend on the number of ranks.
func TestSharesOfStatistics(t *testing.T) {
	path := sources(t)["csv"]
	whole := open(t, path, Options{}).Train
	for _, s := range []Scaling{ScaleStandard, ScaleUnit} {
		want, err := Fit(whole, s, 1)
		if err != nil {
			t.Fatal(err)
		}
		split, err := Divide(whole, 0.3, 5)
		if err != nil {
			t.Fatal(err)
		}
		for size := 2; size <= 4; size++ {
			parts, _ := shares(path, size, Options{})
			got, train, test := make([]Transform, size), make([]Dataset, size), make([]Dataset, size)
			var wait sync.WaitGroup
			for r := range size {
				wait.Go(func() {
					d := parts[r].Train
					var err error
					if got[r], err = Fit(d, s, 1); err != nil {
						t.Error(err)
					}
					if err := d.Trainable(); err != nil {
						t.Error(err)
					}
					mine, err := Divide(d, 0.3, 5)
					if err != nil {
						t.Error(err)
					}
					train[r], test[r] = mine.Train, mine.Test
				})
			}
			wait.Wait()
			wantShares(t, split.Train, train)
			wantShares(t, split.Test, test)
			for r, g := range got {
				for j := range g.Shift {
					if math.Abs(float64(g.Shift[j]-want.Shift[j])) > 1e-6 || math.Abs(float64(g.Factor[j]-want.Factor[j])) > 1e-6 {
						t.Errorf("%s, rank %d of %d: %v and %v, one process %v and %v", s, r, size, g.Shift, g.Factor, want.Shift, want.Factor)
					}
				}
			}
		}
	}
}

// A large file's middle is found by seeking: 3 GB that are not there, but for
// the last rows.
func TestSharesSeek(t *testing.T) {
	const rows, cols = 3 << 20, 1 << 10
	path := filepath.Join(t.TempDir(), "big-idx2")
	head := []byte{0, 0, 8, 2}
	head = binary.BigEndian.AppendUint32(head, rows)
	head = binary.BigEndian.AppendUint32(head, cols)
	if err := os.WriteFile(path, head, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(head))+rows*cols); err != nil {
		t.Skip(err) // no sparse files here
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{42}, int64(len(head))+rows*cols-1); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	split, err := Open(context.Background(), path, Options{Comm: lonely{size: rows / 2}})
	if err != nil {
		t.Fatal(err)
	}
	if x := split.Train.X; x.Rows != 2 || x.At(1, cols-1) != 42 || x.At(0, 0) != 0 {
		t.Errorf("the last rank's share is %d×%d, ending in %v", x.Rows, x.Cols, x.At(x.Rows-1, x.Cols-1))
	}
}

// Samples in a scratch file are those in memory, whatever is done to them.
func TestScratch(t *testing.T) {
	if _, err := (&Scratch{Dir: t.TempDir()}).matrix("", 1, 1); err != nil {
		t.Skip(err) // another system
	}
	path := sources(t)["idx"]
	for _, pool := range []int{1, 2} {
		var got [2]Split
		for i, s := range []*Scratch{nil, {Dir: t.TempDir()}} {
			d := open(t, path, Options{Scratch: s}).Train
			tr, err := Fit(d, ScaleStandard, pool)
			if err != nil {
				t.Fatal(err)
			}
			split, err := Divide(d, 0.2, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got[i].Test, err = tr.Apply(split.Test); err != nil {
				t.Fatal(err)
			}
			if got[i].Train, err = tr.Move(d); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got[0].Train.X.Data, got[1].Train.X.Data) || !slices.Equal(got[0].Test.X.Data, got[1].Test.X.Data) {
			t.Errorf("pool %d: samples in a file differ from those in memory", pool)
		}
	}
	_, err := Open(context.Background(), path, Options{Scratch: &Scratch{Most: 37*4*4 - 1}})
	var large TooLarge
	if !errors.As(err, &large) || !errors.Is(err, ErrInput) || large.Bytes != 37*4*4 {
		t.Errorf("a byte too much: got %v", err)
	}
	_, err = Open(context.Background(), path, Options{Scratch: &Scratch{Dir: filepath.Join(t.TempDir(), "none")}})
	if err == nil || !strings.Contains(err.Error(), "scratch file") {
		t.Errorf("no such folder: got %v", err)
	}
}
