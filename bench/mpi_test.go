//go:build mpi && linux

package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/comm/mpi"
	"github.com/dlam-go/dlam/internal/testprob"
	"github.com/dlam-go/dlam/solver/gradient"
	"github.com/dlam-go/dlam/solver/multiconvex"
	"github.com/dlam-go/dlam/solver/syncdlam"

	root "github.com/dlam-go/dlam"
)

// TestMPI measures what docs/scaling.md tells, on as many ranks as it is run
// on:
//
//	CC=mpicc go test -tags mpi -c -o bench.mpi ./bench
//	mpirun -np 2 ./bench.mpi -test.run TestMPI -test.v
//
// Time is the processor's, so that other work on the machine does not count;
// ranks that wait spin, and what is spent in sums is told apart. The time of
// one sum is the least of many: the one in which nothing came between.
func TestMPI(t *testing.T) {
	if os.Getenv("OMPI_COMM_WORLD_SIZE") == "" && os.Getenv("PMI_SIZE") == "" {
		t.Skip("not started by mpirun")
	}
	w, err := mpi.Init()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if t.Failed() {
			w.Abort(1)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	measureSums(t, w)
	measureSolvers(t, w)
}

// tell logs on rank 0 alone.
func tell(t *testing.T, c comm.Comm, format string, args ...any) {
	if c.Rank() == 0 {
		t.Logf(format, args...)
	}
}

func measureSums(t *testing.T, c comm.Comm) {
	for _, n := range []int{1, 16, 256, 4096, 32768, 262144, 2097152} {
		x := make([]float64, n)
		times := make([]float64, max(20, min(3000, 30000000/n)))
		for i := range times {
			start := time.Now()
			if err := c.Sum(x); err != nil {
				t.Fatal(err)
			}
			times[i] = time.Since(start).Seconds()
		}
		slices.Sort(times)
		tell(t, c, "sum of %8d bytes: least %9.2f µs, of a tenth %9.2f µs, median %9.2f µs", 8*n, 1e6*times[0], 1e6*times[len(times)/10], 1e6*times[len(times)/2])
	}
}

// clock is a Comm that tells the processor time spent in it.
type clock struct {
	comm.Comm
	spent        float64
	count, bytes int
}

func (c *clock) Sum(x []float64) error {
	start := processor()
	err := c.Comm.Sum(x)
	c.spent += processor() - start
	c.count++
	c.bytes += 8 * len(x)
	return err
}

// processor is the seconds that this process has computed.
func processor() float64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return float64(ts.Sec) + 1e-9*float64(ts.Nsec)
}

func measureSolvers(t *testing.T, c comm.Comm) {
	mini := syncdlam.DefaultSettings(100)
	mini.Batch = 1000
	sgd := gradient.DefaultSettings(gradient.SGD)
	for _, s := range []struct {
		name   string
		solver root.Solver
		init   root.Initializer
	}{
		{"dlam", multiconvex.Solver{Settings: multiconvex.DefaultSettings()}, root.Paper},
		{"sync, all samples", syncdlam.Solver{Settings: syncdlam.FullBatch()}, root.He},
		{"sync, batches of 1000", syncdlam.Solver{Settings: mini}, root.He},
		{"sgd, all samples", gradient.Solver{Settings: sgd}, root.He},
	} {
		for _, rows := range []int{20000, 20000 * c.Size()} {
			tell(t, c, "%s, %d samples on %d ranks: %s", s.name, rows, c.Size(), measureSolver(t, c, s.solver, s.init, rows))
			if c.Size() == 1 {
				break
			}
		}
	}
}

// measureSolver is the processor time of an iteration of the slowest rank, in
// its sums and beside them: the least of some iterations, and the median.
func measureSolver(t *testing.T, c comm.Comm, s root.Solver, init root.Initializer, rows int) string {
	const iterations = 12
	p := testprob.Blobs(rows, 196, 10, 5)
	p.Threads = 1
	lo, hi := comm.Share(rows, c.Rank(), c.Size())
	k := &clock{Comm: c}
	p.X, p.Y, p.Comm = p.X.RowRange(lo, hi), p.Y.RowRange(lo, hi), k
	st, err := s.Init(p, testprob.Network(p, []int{100, 100}, activation.ReLU{}, init, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var beside, inside []float64
	for range iterations {
		*k = clock{Comm: c}
		start := processor()
		if _, err := st.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
		all, err := comm.Gather(c, []float64{processor() - start - k.spent, k.spent})
		if err != nil {
			t.Fatal(err)
		}
		var worst [2]float64
		for _, r := range all {
			worst[0], worst[1] = max(worst[0], r[0]), max(worst[1], r[1])
		}
		beside, inside = append(beside, worst[0]), append(inside, worst[1])
	}
	slices.Sort(beside)
	slices.Sort(inside)
	return fmt.Sprintf("computing %.2f ms (median %.2f of %d iterations), in sums, waiting included, %.2f ms (%.2f); %d sums of %d bytes in the last",
		1e3*beside[0], 1e3*beside[iterations/2], iterations, 1e3*inside[0], 1e3*inside[iterations/2], k.count, k.bytes)
}
