//go:build mpi

package mpi_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/comm/mpi"
)

// inJob is set in the processes that a test starts under mpirun: what they are
// to do.
const inJob = "DLAM_TEST_MPI"

func TestMain(m *testing.M) {
	if what := os.Getenv(inJob); what != "" {
		if err := rank(what); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// job runs this program on n ranks.
func job(t *testing.T, n int, what string) (string, error) {
	t.Helper()
	args := []string{"-np", strconv.Itoa(n)}
	version, err := exec.Command("mpirun", "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("mpirun --version: %v", err)
	}
	if bytes.Contains(version, []byte("Open MPI")) {
		args = append(args, "--allow-run-as-root", "--oversubscribe")
	}
	c := exec.Command("mpirun", append(args, os.Args[0])...)
	c.Env = append(os.Environ(), inJob+"="+what)
	out, err := c.CombinedOutput()
	return string(out), err
}

// rank is one process of a job.
func rank(what string) error {
	w, err := mpi.Init()
	if err != nil {
		return err
	}
	if what == "abort" {
		if w.Rank() == w.Size()-1 {
			w.Abort(7)
		}
		return w.Sum(make([]float64, 1)) // waits for the one that aborts
	}
	if err := errors.Join(sums(w), messages(w)); err != nil {
		return fmt.Errorf("rank %d: %w", w.Rank(), err)
	}
	return w.Close()
}

// sums checks sums of many lengths: exact where they are, and of the same bits
// in every rank where they round.
func sums(w *mpi.World) error {
	if w.Local() != w.Size() {
		return fmt.Errorf("%d of %d processes on this machine", w.Local(), w.Size())
	}
	if err := w.Sum(nil); err != nil {
		return err
	}
	for _, n := range []int{1, 2, 3, 100, 5000, 300000} {
		x := make([]float64, 2*n)
		for i := range n {
			x[i] = float64((w.Rank() + 1) * (i + 1))
			x[n+i] = math.Sin(float64(i*w.Size() + w.Rank()))
		}
		if err := w.Sum(x); err != nil {
			return err
		}
		ranks := float64(w.Size() * (w.Size() + 1) / 2)
		var hash uint64
		for i := range n {
			if want := ranks * float64(i+1); x[i] != want {
				return fmt.Errorf("sum %d of %d: got %v, want %v", i, n, x[i], want)
			}
			hash = hash*1099511628211 + math.Float64bits(x[n+i])
		}
		all, err := comm.Gather(w, []float64{float64(hash >> 12)})
		if err != nil {
			return err
		}
		for r, h := range all {
			if h[0] != all[0][0] {
				return fmt.Errorf("sums of %d numbers have other bits in rank %d than in rank 0", n, r)
			}
		}
	}
	return nil
}

// messages passes bytes up and down the ranks, and sees a message of another length
// refused.
func messages(w *mpi.World) error {
	up, down := w.Rank()+1, w.Rank()-1
	if up == w.Size() {
		up = -1
	}
	for _, n := range []int{0, 1, 100000} {
		message := func(rank, to int) []byte {
			if rank < 0 || to < 0 {
				return nil
			}
			return bytes.Repeat([]byte{byte(1 + rank), byte(n)}, n)
		}
		for range 2 {
			want := message(down, w.Rank())
			in := make([]byte, len(want))
			if err := w.Exchange(up, message(w.Rank(), up), down, in); err != nil {
				return err
			}
			if !bytes.Equal(in, want) {
				return fmt.Errorf("got another message of %d bytes than rank %d sent", len(want), down)
			}
			up, down = down, up
		}
	}
	if w.Size() == 1 {
		return nil
	}
	if err := w.Exchange(up, make([]byte, 2)[:2*min(1, up+1)], down, make([]byte, 3)[:3*min(1, down+1)]); (err == nil) == (down >= 0) {
		return fmt.Errorf("a message of 2 bytes was taken for one of 3: %v", err)
	}
	return nil
}

func TestSum(t *testing.T) {
	for n := 1; n <= 5; n++ {
		if out, err := job(t, n, "sum"); err != nil {
			t.Errorf("%d ranks: %v: %s", n, err, out)
		}
	}
}

// An abort ends ranks that wait in a sum, with its exit code.
func TestAbort(t *testing.T) {
	out, err := job(t, 3, "abort")
	if err == nil || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("got %v, want exit status 7: %s", err, out)
	}
}
