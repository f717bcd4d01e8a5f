//go:build unix

package recipe_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/trace"
)

// saving is options of a run that saves after each iteration, and the warnings that
// it gives.
func saving(t *testing.T, method string) (o recipe.Options, warned *[]string) {
	t.Helper()
	o, warned = small(method), new([]string)
	o.Folder, o.Resume, o.Checkpoint = filepath.Join(t.TempDir(), "run"), true, &recipe.Every{Iterations: 1}
	o.Warn = func(err error) { *warned = append(*warned, err.Error()) }
	return o, warned
}

// wantSame holds that two folders hold one model and one trace.
func wantSame(t *testing.T, got, want string) {
	t.Helper()
	for _, name := range []string{model.FileName, trace.FileName} {
		if content(t, got, name) != content(t, want, name) {
			t.Errorf("%s is not that of the run that went straight", name)
		}
	}
}

// TestCheckpointFails lets the state not be saved for a while: the run warns and goes
// on, and saves the next that it can. Where nobody listens it fails.
func TestCheckpointFails(t *testing.T) {
	points, zones := circle(200)
	d := recipe.Rows(points, zones)
	straight, _ := saving(t, "mdlam")
	train(t, d, straight)
	o, warned := saving(t, "mdlam")
	file := filepath.Join(o.Folder, model.CheckpointName)
	inTheWay := func(k int) { // a folder, before the states of iterations 3 and 4 are saved
		var err error
		switch k {
		case 3:
			err = errors.Join(os.Remove(file), os.Mkdir(file, 0o755))
		case 5:
			err = os.Remove(file)
		case 6:
			_, err = model.LoadCheckpoint(file)
		}
		if err != nil {
			t.Errorf("iteration %d: %v", k, err)
		}
	}
	train(t, d, progress(o, inTheWay))
	if len(*warned) != 2 || !strings.Contains((*warned)[0], "checkpoint: the state after iteration 3 is not saved: ") {
		t.Errorf("warned of %q, want of iterations 3 and 4", *warned)
	}
	wantSame(t, o.Folder, straight.Folder)
	o, _ = saving(t, "mdlam")
	file = filepath.Join(o.Folder, model.CheckpointName)
	o.Warn = nil
	if _, err := recipe.Train(context.Background(), d, progress(o, inTheWay)); err == nil || !strings.Contains(err.Error(), "the state after iteration 3 is not saved") {
		t.Errorf("with nobody to be told: %v", err)
	}
}

// TestCheckpointFailsOnARank lets the state of either of two processes not be saved
// for an iteration: both go on, and what they go on from later is of one iteration.
func TestCheckpointFailsOnARank(t *testing.T) {
	points, zones := circle(200)
	const ranks = 2
	for owner, name := range []string{model.CheckpointName, "checkpoint-3-1.dlam"} {
		o, _ := saving(t, "sync")
		file := filepath.Join(o.Folder, name)
		group := comm.Group(ranks)
		var wait sync.WaitGroup
		results, errs, warned := make([]*recipe.Result, ranks), make([]error, ranks), make([][]string, ranks)
		for r := range ranks {
			part := o
			part.Comm, part.TestSplit, part.Settings.Batch = group[r], new(0.0), new(0)
			part.Warn = func(err error) { warned[r] = append(warned[r], err.Error()) }
			d := recipe.Rows(points[100*r:100*(r+1)], zones[100*r:100*(r+1)])
			wait.Go(func() {
				results[r], errs[r] = recipe.Train(context.Background(), d, progress(part, func(k int) {
					if r != owner {
						return
					}
					var err error
					switch k {
					case 3:
						_ = os.Remove(file) // rank 1's is not there
						err = os.Mkdir(file, 0o755)
					case 4:
						err = os.Remove(file)
					case 6:
						var c *model.Checkpoint
						if c, err = model.LoadCheckpoint(filepath.Join(o.Folder, model.CheckpointName)); err == nil && c.Iteration != 5 {
							t.Errorf("%s: a checkpoint of iteration %d before the last, want 5", name, c.Iteration)
						}
					}
					if err != nil {
						t.Errorf("%s, iteration %d: %v", name, k, err)
					}
				}))
			})
		}
		wait.Wait()
		if err := errors.Join(errs...); err != nil || results[0].Last.Iteration != 6 {
			t.Fatalf("%s: %v, %+v", name, err, results[0])
		}
		if all := slices.Concat(warned...); len(all) == 0 || !strings.Contains(all[0], "the state after iteration 3 is not saved") {
			t.Errorf("%s: warned of %q", name, warned)
		}
		if left, err := filepath.Glob(filepath.Join(o.Folder, "*checkpoint*")); err != nil || len(left) > 0 {
			t.Errorf("%s: left %q, %v", name, left, err)
		}
	}
}

// TestLockDeleted deletes a run's lock: the run takes it again, and says so; if
// another process was faster, it ends and writes nothing more.
func TestLockDeleted(t *testing.T) {
	points, zones := circle(200)
	d := recipe.Rows(points, zones)
	o, warned := saving(t, "bcd")
	lock := filepath.Join(o.Folder, "lock")
	taken := func() error {
		f, err := os.OpenFile(lock, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	train(t, d, progress(o, func(k int) {
		switch k {
		case 2:
			if err := os.Remove(lock); err != nil {
				t.Error(err)
			}
		case 3:
			if err := taken(); !errors.Is(err, unix.EWOULDBLOCK) {
				t.Errorf("another process takes the lock: %v", err)
			}
		}
	}))
	if len(*warned) != 1 || !strings.Contains((*warned)[0], "lock: was deleted while the run went on, and is there again") {
		t.Errorf("warned of %q", *warned)
	}
	o, _ = saving(t, "bcd")
	lock = filepath.Join(o.Folder, "lock")
	r, err := recipe.Train(context.Background(), d, progress(o, func(k int) {
		if k == 3 {
			if err := errors.Join(os.Remove(lock), taken()); err != nil {
				t.Error(err)
			}
		}
	}))
	if err == nil || !strings.Contains(err.Error(), "another process may be writing the run") || r != nil {
		t.Errorf("with the lock another's: %v, %v", r, err)
	}
	if c, err := model.LoadCheckpoint(filepath.Join(o.Folder, model.CheckpointName)); err != nil || c.Iteration != 2 {
		t.Errorf("checkpoint %+v, %v, want that of iteration 2", c, err)
	}
	if _, err := os.Stat(filepath.Join(o.Folder, model.FileName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a model was written: %v", err)
	}
}

// hooked is one process that tells of each sum, of which a batch makes one.
type hooked struct {
	comm.Self
	hook func()
}

func (h hooked) Sum(x []float64) error {
	h.hook()
	return h.Self.Sum(x)
}

// TestGivesUpEpoch interrupts a run of each sort of method that takes mini-batches in
// the middle of an epoch: it ends at the next batch with the network of the epoch
// before, and goes on from there to the same end.
func TestGivesUpEpoch(t *testing.T) {
	points, zones := circle(400)
	d := recipe.Rows(points, zones)
	for _, method := range []string{"adam", "schedule-free", "sync"} {
		straight, _ := saving(t, method)
		straight.Settings.Batch = new(20)
		straight.Validation = 0.2
		train(t, d, straight)
		o := straight
		o.Folder = filepath.Join(t.TempDir(), "run")
		o.Checkpoint, o.Grace = &recipe.Every{}, -1
		ctx, cancel := context.WithCancel(context.Background())
		var done, calls atomic.Int64
		part := progress(o, func(k int) { done.Store(int64(k)) })
		part.Comm = hooked{hook: func() {
			if done.Load() == 3 && calls.Add(1) == 8 {
				cancel()
			}
		}}
		r, err := recipe.Train(ctx, d, part)
		if err != nil || r.Status != dlam.Interrupted || r.Last.Iteration != 3 || r.Training.Iterations != 3 {
			t.Fatalf("%s: %v, %+v, want a run interrupted after 3", method, err, r)
		}
		end := train(t, d, o)
		wantSame(t, o.Folder, straight.Folder)
		if s, err := model.Load(straight.Folder); err != nil || !slices.Equal(weights(end.Network), weights(s.Network)) {
			t.Errorf("%s: another network than that of the run that went straight, %v", method, err)
		}
	}
}
