package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/certify"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/solver/anderson"
	"github.com/dlam-go/dlam/solver/ensemble"
	"github.com/dlam-go/dlam/trace"
)

// Run is a run that has been started: its folder is locked, and what it goes on
// from is read.
type Run struct {
	Plan *Plan
	// Anew is how many processes saved the state that the run goes on from, if it
	// cannot go on with that state because they divided the samples otherwise: it
	// then starts from the saved network. 0 if it can.
	Anew int
	// Notes are what people are to be told of the folder, a line each.
	Notes []string

	config  string // config.toml
	data    string // fingerprint of the samples
	folder  *folder
	about   *trace.About
	check   *checkpointer // nil if nothing is saved
	options dlam.Options
	start   *dlam.Network
	trained bool
}

// Result is a trained model and how its training went.
type Result struct {
	*model.Model

	Status dlam.Status // why the run ended
	Last   dlam.Record // of the last iteration, with the scores of the model's network
	// Best is the iteration that gave the model's network, if Options.Validation
	// chose it, and 0 else.
	Best int
	// Constant is the risk of the best outputs that are the same for all training samples, if
	// the network's is not less by a thousandth at least, and 0 else: it has learnt nothing.
	Constant float64
	// Warning says so in words, if no error does; "" for nothing.
	Warning string
	// Refit is what the scores in Last are to be held against, with Options.Refit.
	Refit *Refit
}

// Train trains a network on data as o says, and else as suits the data and the
// method, and gives the model. The error is nil if the run ended as it was told:
// Result.Status says whether by its number of iterations, by its budget, because
// nothing was left to do, or by ctx, which ends it after the iteration under way. A ctx that
// has ended before the run begins gives its error, and no result.
// Where a run fails or diverges the result has its last good network, if there is
// one, beside the error.
func Train(ctx context.Context, data Data, o Options) (*Result, error) {
	p, err := Prepare(data, o)
	if err != nil {
		return nil, err
	}
	r, err := p.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Train(ctx)
}

// Start makes the plan a run: it chooses the weight decay or the learning rate, if
// Options.TryL2 or Settings.TryRates asks for that, and makes or opens the run's folder, if there is one. The run
// must be closed.
func (p *Plan) Start(ctx context.Context) (*Run, error) {
	if err := p.chooseL2(ctx); err != nil {
		return nil, err
	}
	if err := p.chooseRate(ctx); err != nil {
		return nil, err
	}
	r := &Run{Plan: p, start: p.Network, options: p.runOptions()}
	var err error
	c, leave := p.config()
	if r.config, err = c.text(p.Reads, leave...); err != nil {
		return nil, err
	}
	if r.data, err = fingerprint(ctx, p.Samples.Train, p.Options.sharing()); err != nil {
		return nil, err
	}
	identity, err := c.text(nil, append(leave, "iterations", "data-dir", "offline")...) // all but how long it goes on, and where data lies
	if err != nil {
		return nil, err
	}
	from, err := r.open(identity)
	if err == nil {
		err = r.resume(from)
	}
	if err != nil {
		r.Discard()
		return nil, err
	}
	return r, nil
}

// runOptions are those of dlam.Run that the plan's runs have in common.
func (p *Plan) runOptions() dlam.Options {
	o := dlam.Options{Iterations: p.Options.Iterations, Evaluate: orElse(p.Options.Evaluate, 1), Budget: p.Options.Budget}
	if p.Validation != nil { // the plan's stays as it is
		v := *p.Validation
		o.Validation = &v
	}
	return o
}

// config is what the run is told, and the names of what it is not, if its samples
// come from memory.
func (p *Plan) config() (c Config, leave []string) {
	c.Options = p.Options
	if s := p.Options.Solver; s != nil {
		c.Options.Method = "a program's own: " + s.String() // which the command line refuses to repeat
	}
	if p.Samples.source == nil {
		return c, slices.Clone(ofSource)
	}
	c.Source = *p.Samples.source
	c.Source.Data = c.Source.name()
	return c, nil
}

// open makes the folder that the run is in, or opens that of a run to go on with,
// whose state it returns; nil for none. identity is the settings that make it that
// run and no other.
func (r *Run) open(identity string) (from *model.Checkpoint, err error) {
	o := &r.Plan.Options
	if o.Folder == "" {
		return nil, nil
	}
	r.check = &checkpointer{
		job: r.Plan.Problem.Comm, path: filepath.Join(o.Folder, model.CheckpointName), every: orElse(o.Checkpoint, minute),
		config: digest(identity + settingsText(r.Plan.Solver)), data: r.data, validation: r.options.Validation,
		own: r.Plan.Options.own(r.Plan.Network),
	}
	if r.check.job.Rank() > 0 {
		return nil, nil
	}
	if _, err := os.Stat(filepath.Join(o.Folder, ConfigName)); err != nil || !o.Resume {
		var given *dlam.Network // first weights that the settings do not make
		if o.StartDigest != "" {
			given = r.Plan.Network
		}
		if r.folder, err = createFolder(o.Folder, r.config, given, o.Force); err != nil {
			return nil, err
		}
		r.Notes = append(r.Notes, r.folder.notes...)
		return nil, r.begin()
	}
	if r.folder, err = lockFolder(o.Folder); err != nil {
		return nil, err
	}
	r.folder.kept = true
	if from, err = r.check.load(); errors.Is(err, errOtherSettings) {
		return nil, refusef("%w%s", err, r.folder.differences(identity, r.config))
	}
	if err != nil {
		return nil, err
	}
	done := 0
	if from != nil {
		done = from.Iteration
	}
	if done > o.Iterations {
		return nil, refusef("iterations: got %d, and %s has done %d", o.Iterations, o.Folder, done)
	}
	err = r.folder.goOn(done, r.config)
	r.Notes = append(r.Notes, r.folder.notes...)
	if err == nil {
		err = r.begin()
	}
	return from, err
}

// resume sets the options that all ranks' runs have in common, to go on from
// rank 0's state, nil for none.
func (r *Run) resume(from *model.Checkpoint) (err error) {
	p := r.Plan
	if r.check != nil {
		if r.folder != nil {
			r.check.held, r.check.flush = r.folder.held, r.folder.trace.Sync
		}
		if from, err = r.check.agree(from); err != nil {
			return err
		}
	}
	if from == nil {
		return p.lost
	}
	if err := restoreBest(from.State, r.options.Validation, p.Network); err != nil {
		return refuse(err)
	}
	r.options.First, r.options.Elapsed = from.Iteration, time.Duration(from.Elapsed*float64(time.Second))
	if from.State.OfSamples && from.Ranks != r.check.job.Size() {
		r.Anew, r.start = from.Ranks, from.Network // synchronised anew: the samples are divided otherwise
		return nil
	}
	if p.lost != nil { // whose first weights are not known: weights are measured from here on
		r.start = from.Network
	}
	r.options.Resume = func(s dlam.Stepper) error { return s.(dlam.Resumable).Restore(from.Network, from.State) }
	return nil
}

// Done is the number of iterations done before this run goes on; 0 for a new one.
func (r *Run) Done() int { return r.options.First }

// Train trains, tells the recorders, beside those of the options, of each
// iteration, and saves. It is called once; see the function Train.
func (r *Run) Train(ctx context.Context, recorders ...dlam.Recorder) (*Result, error) {
	if r.trained {
		return nil, refusef("this run has trained already: start another by Plan.Start")
	}
	r.trained = true
	p := r.Plan
	res, err := dlam.Run(ctx, p.Solver, p.Problem, r.start, r.observed(recorders))
	if res == nil { // what the problem or the method does not take
		r.Discard()
		return nil, refuse(err)
	}
	if res.Last.Iteration == 0 && err != nil {
		err = p.Suspect(err)
		return nil, errors.Join(err, r.ended(res.Status, err))
	}
	if f := r.folder; f != nil && res.Last.Iteration == f.last.Iteration { // nothing was left to do
		scored := res.Last
		res.Last = f.last
		res.Last.Train, res.Last.Test = scored.Train, scored.Test
	}
	var fitted *Refit
	if err == nil {
		if fitted, err = r.refitted(ctx, res); err != nil {
			res.Status = dlam.Failed
		}
	}
	return r.finish(res, fitted, err)
}

// observed is the options of the run with all that observe it: what its folder and its
// checkpoints are written by, the certificate, and the recorders.
func (r *Run) observed(recorders []dlam.Recorder) dlam.Options {
	p, o := r.Plan, r.options
	if r.folder != nil {
		r.folder.warn, r.folder.trace.warn = r.warn, r.warn
		o.Recorders = append(o.Recorders, trace.NewWriter(r.folder.trace))
	}
	if p.Options.Grace < 0 && p.givesUp() { // with a folder or without
		o.Grace = p.Options.Grace
	}
	if r.check != nil {
		r.check.warn = r.warn
		if r.check.midway = p.givesUp(); r.check.midway {
			o.Grace = p.Options.Grace
			if o.Grace == 0 {
				o.Grace = 5 * time.Second // systems allow some 30 before they kill
			}
		}
		o.Recorders = append(o.Recorders, r.check)
	}
	if p.Options.Certify {
		o.Recorders = append(o.Recorders, &certify.Certificate{Problem: p.Problem, Stop: true})
	}
	o.Recorders = append(append(o.Recorders, recorders...), p.Options.Recorders...)
	if tell := p.Options.Progress; tell != nil {
		o.Recorders = append(o.Recorders, recorder(tell))
	}
	for _, rec := range o.Recorders {
		if look, ok := rec.(dlam.Observer); ok {
			o.Observers = append(o.Observers, look)
		}
	}
	return o
}

// givesUp reports whether an iteration may be given up in the middle: an epoch of
// mini-batches may be long, and the state before it is small.
func (p *Plan) givesUp() bool {
	if p.Options.Solver != nil || p.Problem.Comm != nil && p.Problem.Comm.Size() > 1 {
		return false
	}
	m, err := Find(p.Options.Method)
	return err == nil && m.MiniBatches(&p.Options)
}

// warn tells of what need not end the run, if somebody listens.
func (r *Run) warn(err error) error {
	if tell := r.Plan.Options.Warn; tell != nil {
		tell(err)
		return nil
	}
	return err
}

// finish makes the model and saves it, the last good one if training failed. A run that
// has ended needs no state, once its model, its trace and how it ended are safe.
func (r *Run) finish(res *dlam.Result, fitted *Refit, failed error) (*Result, error) {
	out := &Result{Model: r.Plan.model(res, r.data, r.config), Status: res.Status, Last: res.Last, Best: res.Kept, Constant: res.Constant, Warning: res.Warning(), Refit: fitted}
	if a := r.about; a != nil { // a run with a folder
		a.Warning, a.Kept, a.Refit = out.Warning, out.Best, fitted != nil
		a.Train, a.TestScore, a.ValidationScore = res.Last.Train, res.Last.Test, res.Last.Validation
	}
	if err := r.save(out.Model, res.GivenUp); err != nil {
		return nil, errors.Join(failed, err, r.ended(dlam.Failed, errors.Join(failed, err)))
	}
	if err := r.ended(res.Status, failed); err != nil {
		return nil, errors.Join(failed, err)
	}
	if r.folder != nil && r.check != nil && (res.Status == dlam.Completed || res.Status == dlam.Stopped) {
		if err := r.check.remove(); err != nil { // last: while the state is there, what was left half written can be made again
			return nil, errors.Join(err, r.ended(dlam.Failed, err))
		}
	}
	if failed != nil {
		return out, fmt.Errorf("%s: %w", res.Status, failed)
	}
	return out, nil
}

// save writes the state if the run can go on, that before an iteration that was given
// up, and the model. A run that failed keeps what it saved before.
func (r *Run) save(m *model.Model, givenUp bool) error {
	if r.check == nil {
		return nil
	}
	if r.folder != nil {
		if err := r.folder.held(); err != nil {
			return err
		}
	}
	var lost error
	status := dlam.Status(m.Training.Status)
	if status == dlam.Interrupted || status == dlam.TimedOut { // first, since the model can be made from it
		lost = r.check.end(givenUp)
	}
	if r.folder == nil { // rank 0 saves the model
		return lost
	}
	lost = errors.Join(lost, r.folder.trace.Sync()) // before the model, which says that the run has ended
	return errors.Join(lost, m.Save(r.folder.file(model.FileName)))
}

// model is that of a run of the plan: data is the fingerprint of its samples, and
// config its settings.
func (p *Plan) model(res *dlam.Result, data, config string) *model.Model {
	return &model.Model{
		Network: res.Network, Loss: p.Problem.Loss, Classes: p.Samples.Train.Classes, Features: p.Samples.features,
		Transform: p.Samples.Transform,
		Training: model.Training{
			Solver: p.Solver.String(), Dataset: p.Samples.name, Samples: p.Total, Data: data,
			Seed: p.Options.Seed, Iterations: res.Last.Iteration, Kept: res.Kept, Config: config, Status: string(res.Status),
			ClassWeights: p.ClassWeights,
		},
	}
}

// Close gives the run's folder free.
func (r *Run) Close() {
	if r.folder != nil {
		r.folder.close()
		r.folder = nil
	}
}

// Discard closes a run that has not trained, and removes its folder if the run
// made it.
func (r *Run) Discard() {
	if f := r.folder; f != nil && !f.kept {
		f.discard()
		r.folder = nil
	}
	r.Close()
}

// recorder is a function that takes records.
type recorder func(dlam.Record)

// Record calls the function.
func (f recorder) Record(r dlam.Record) error {
	f(r)
	return nil
}

func digest(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// settingsText writes a solver's settings, its exported fields.
func settingsText(s dlam.Solver) string {
	if all, ok := s.(ensemble.Solver); ok {
		return fmt.Sprintf("%s Ensemble:%d", settingsText(all.Members[0]), len(all.Members))
	}
	if a, ok := s.(anderson.Solver); ok {
		return fmt.Sprintf("%s Anderson:%d", settingsText(a.Method), a.Depth)
	}
	v := reflect.Indirect(reflect.ValueOf(s))
	if v.Kind() != reflect.Struct {
		return fmt.Sprint(s)
	}
	var parts []string
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && f.Type.Kind() == reflect.Struct {
			parts = append(parts, strings.Trim(fmt.Sprintf("%+v", v.Field(i)), "{}"))
		} else if f.IsExported() {
			parts = append(parts, fmt.Sprintf("%s:%v", f.Name, v.Field(i)))
		}
	}
	return strings.Join(parts, " ")
}
