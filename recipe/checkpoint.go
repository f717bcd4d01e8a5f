package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/spec"
)

// checkpointer saves the run's state every so often.
type checkpointer struct {
	job    comm.Comm         // whose every process saves its own state
	path   string            // of rank 0's, which makes the others' valid
	every  Every             // time or iterations between two
	held   func() error      // whether the folder is still this run's
	flush  func() error      // makes the records so far last: the state must not outlive them
	warn   func(error) error // told that the state could not be saved; what it returns ends the run
	midway bool              // iterations may be given up in the middle
	config string            // fingerprints of what the state belongs to
	data   string
	own    []spec.Operator // the run's own, which its files know by their Specs alone

	validation *dlam.Validation // its choice is part of the state

	stepper dlam.Stepper
	k       int     // iterations done
	elapsed float64 // seconds of training
	savedK  int
	savedAt time.Time
	before  *model.Checkpoint // a copy of the state after iteration k, if the next may be given up
}

var (
	_ dlam.Observer = (*checkpointer)(nil)
	_ dlam.Recorder = (*checkpointer)(nil)
)

// Record keeps the time spent training.
func (c *checkpointer) Record(r dlam.Record) error {
	c.elapsed = r.Elapsed
	return nil
}

// Observe saves a checkpoint if one is due.
func (c *checkpointer) Observe(k int, s dlam.Stepper) error {
	if c.stepper == nil {
		c.savedK, c.savedAt = k, time.Now()
	}
	c.stepper, c.k = s, k
	if c.midway {
		if err := c.keep(); err != nil {
			return err
		}
	}
	due := c.every.Iterations > 0 && k-c.savedK >= c.every.Iterations
	if c.every.Time > 0 { // clocks differ between ranks
		any, err := comm.Any(c.job, time.Since(c.savedAt) >= c.every.Time)
		if err != nil {
			return err
		}
		due = any[0]
	}
	if !due {
		return nil
	}
	c.savedK, c.savedAt = k, time.Now()
	p, err := c.state()
	if p == nil {
		return err
	}
	lost, err := c.write(p)
	if err == nil && lost != nil { // the one before is there, and the next is tried
		err = c.warn(fmt.Errorf("checkpoint: the state after iteration %d is not saved: %w", k, lost))
	}
	return err
}

// end writes the state that the run can go on from: that after the last iteration.
func (c *checkpointer) end(givenUp bool) error {
	p, err := c.before, error(nil)
	if !givenUp {
		p, err = c.state()
	}
	if p == nil {
		return err
	}
	lost, err := c.write(p)
	if err == nil && lost != nil {
		err = fmt.Errorf("checkpoint: %w", lost)
	}
	return err
}

// state is the state after the last iteration; nil of a method that cannot be
// resumed.
func (c *checkpointer) state() (*model.Checkpoint, error) {
	st, ok := c.stepper.(dlam.Resumable)
	if !ok {
		return nil, nil
	}
	if d, ok := c.stepper.(dlam.Divided); ok {
		if err := d.Collect(c.stepper.Network()); err != nil {
			return nil, err
		}
	}
	p := &model.Checkpoint{
		Network: st.Network(), State: st.State(), Iteration: c.k, Elapsed: c.elapsed, Config: c.config, Data: c.data, Ranks: c.job.Size(),
	}
	addBest(&p.State, c.validation)
	return p, nil
}

// keep copies the state to before, into the memory of the last copy.
func (c *checkpointer) keep() error {
	p, err := c.state()
	if p == nil {
		return err
	}
	old := c.before
	if old == nil {
		old = &model.Checkpoint{Network: p.Network.Clone()}
	}
	n := old.Network
	n.CopyFrom(p.Network)
	p.Network = n
	copies(p.State.Float32, old.State.Float32)
	copies(p.State.Float64, old.State.Float64)
	c.before = p
	return nil
}

// copies puts copies in the place of arrays, in the memory of those in old.
func copies[T any](arrays, old map[string][]T) {
	for name, v := range arrays {
		arrays[name] = append(old[name][:0], v...)
	}
}

// write writes p. Rank 0's file, the last one, makes the other ranks' of the
// same iteration valid: a job that is killed before goes on from those of the
// iteration before, which lie beside them until then. lost is why some rank's state
// is not saved, which this run may survive.
func (c *checkpointer) write(p *model.Checkpoint) (lost, err error) {
	if c.job.Rank() > 0 {
		lost = p.Save(c.part(p.Iteration))
	} else {
		if err := c.held(); err != nil {
			return nil, err
		}
		lost = c.flush()
	}
	if c.job.Size() == 1 {
		if lost == nil {
			lost = p.Save(c.path)
		}
		return lost, nil
	}
	failed, err := comm.Any(c.job, lost != nil)
	if err != nil {
		return nil, err
	}
	if failed[0] {
		return cmp.Or(lost, errors.New("another process could not save its own")), nil
	}
	if err := c.alike(p.Network); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if c.job.Rank() == 0 {
		if lost = p.Save(c.path); lost == nil {
			lost = removeParts(filepath.Dir(c.path), p.Iteration)
		}
	}
	return lost, nil
}

// remove removes what the run was to go on from.
func (c *checkpointer) remove() error {
	if err := atomicfile.Remove(c.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	folder := filepath.Dir(c.path)
	return errors.Join(removeParts(folder, -1), atomicfile.SyncFolder(folder))
}

// alike holds the ranks' networks against each other: they are the same to the last
// bit, or sums differ between ranks.
func (c *checkpointer) alike(n *dlam.Network) error {
	same, err := sameBits(c.job, networkDigest(n))
	if err == nil && !same {
		return errors.New("the ranks' networks differ: this MPI library's sums do not have the same bits on every rank")
	}
	return err
}

// part is the file of this rank's state after so many iterations.
func (c *checkpointer) part(iteration int) string {
	return filepath.Join(filepath.Dir(c.path), fmt.Sprintf("checkpoint-%d-%d.dlam", iteration, c.job.Rank()))
}

// removeParts removes all ranks' files but those of one iteration, and what
// killed ranks left half written.
func removeParts(folder string, but int) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		var iteration, rank int
		if n, _ := fmt.Sscanf(strings.TrimPrefix(name, "."), "checkpoint-%d-%d.dlam", &iteration, &rank); n < 2 || iteration == but && name[0] != '.' {
			continue
		}
		if err := atomicfile.Remove(filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	return nil
}

// agree makes every rank go on from the checkpoint that rank 0 has loaded, nil
// for none, in rank 0's folder. Where as many ranks saved it, each has a state
// of its own; else all take rank 0's.
func (c *checkpointer) agree(from *model.Checkpoint) (*model.Checkpoint, error) {
	if c.job.Size() == 1 {
		return from, nil
	}
	head := make([]float64, 3)
	if from != nil {
		head = []float64{1, float64(from.Iteration), float64(from.Ranks)}
	}
	paths, err := comm.Texts(c.job, []string{c.path})
	if err != nil {
		return nil, err
	}
	c.path = paths[0][0]
	heads, err := comm.Gather(c.job, head)
	if err != nil || c.job.Rank() == 0 || heads[0][0] == 0 {
		return from, err
	}
	path := c.path
	if int(heads[0][2]) == c.job.Size() {
		path = c.part(int(heads[0][1]))
	}
	p, err := model.LoadCheckpoint(path, c.own...)
	if err != nil {
		return nil, refusef("the run folder must be on a file system that every rank sees: %w", err)
	}
	if p.Config != c.config || p.Data != c.data || p.Iteration != int(heads[0][1]) {
		return nil, refusef("%s: belongs to another run than %s", path, c.path)
	}
	c.elapsed = p.Elapsed
	return p, nil
}

// errOtherSettings is that of a state that belongs to another run.
var errOtherSettings = errors.New("saved under other settings than this run's")

// load reads the state that a run goes on from; nil if the run was killed, or
// failed, before it saved one.
func (c *checkpointer) load() (*model.Checkpoint, error) {
	p, err := model.LoadCheckpoint(c.path, c.own...)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, startsOver(filepath.Dir(c.path), c.own)
	case err != nil:
		return nil, refuse(err)
	case p.Config != c.config:
		return nil, refusef("%s: %w", c.path, errOtherSettings)
	case p.Data != c.data:
		return nil, refusef("%s: saved on other data than this run's", c.path)
	}
	c.elapsed = p.Elapsed
	return p, nil
}

// startsOver refuses to do a run without a checkpoint again if it has ended.
func startsOver(folder string, own []spec.Operator) error {
	m, err := model.Load(folder, own...)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return refuse(err)
	}
	switch s := dlam.Status(m.Training.Status); s {
	case dlam.Failed, dlam.Interrupted, dlam.TimedOut:
		return nil
	default:
		return refusef("%s: %w: there is nothing to go on with; config %s begins one of its settings", folder, ErrEnded, filepath.Join(folder, ConfigName))
	}
}
