package recipe

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/certify"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/trace"
)

// Evidence is what a run has left to be certified by: a model, and in a run's
// folder its settings, its trace, and its first weights if they were given. It
// is not trusted, and no file that it names is opened.
type Evidence struct {
	Model *model.Model
	// Config is the settings that the model says it was trained with, and the
	// folder's config.toml too. The places that it names are the record's: they are
	// for the caller to replace.
	Config Config
	// StartFile is the folder's first weights; "" if the run drew its own.
	StartFile string

	recorded Source // of Config, as it was read
	trace    string // the folder's; "" for a model file alone
}

// Departure is a place where a record is not what the repeated run gives.
type Departure struct {
	Where string // "config.toml, hidden", "trace.jsonl, line 8, objective", …
	What  string
}

// Error says both.
func (d *Departure) Error() string { return d.Where + ": " + d.What }

func departs(where, what string, args ...any) error {
	return &Departure{where, fmt.Sprintf(what, args...)}
}

// Verdict is what repeating a run says of what it left.
type Verdict struct {
	Certificate *certify.Certificate // of the iterations that were repeated
	Iterations  int                  // of the record
	Told        int                  // iterations that the run was told to do
	Lines       int                  // of the trace that are as they must be
	Traced      bool                 // there was a trace to hold them against
	Repeated    bool                 // the repeated run ends in the model's very parameters
	// Departs is the first place where the record is not what the repeated run
	// gives; nil if there is none.
	Departs error
}

// Err is nil if the record is that of the repeated run to the last bit, and every
// promise held in each of its iterations.
func (v *Verdict) Err() error {
	if v.Departs != nil {
		return fmt.Errorf("not certified: %w", v.Departs)
	}
	if err := v.Certificate.Verdict(); err != nil {
		return fmt.Errorf("not certified: %w", err)
	}
	return nil
}

// OpenEvidence takes m, which was read from path, a run's folder or a model's
// file. The error is a *Departure where the folder says something else than m.
func OpenEvidence(path string, m *model.Model) (*Evidence, error) {
	e := &Evidence{Model: m}
	if _, err := e.Config.Load(m.Training.Config, nil); err != nil {
		return nil, refusef("%s: the settings in it: %w", path, err)
	}
	e.recorded = e.Config.Source
	info, err := os.Stat(path)
	if err != nil {
		return nil, refuse(err)
	}
	given := e.Config.Options.StartDigest != ""
	if !info.IsDir() {
		if given {
			return nil, departs(startEntry, "the run began with weights that were given, and only its folder has them: certify that")
		}
		return e, nil
	}
	if err := e.agree(path); err != nil {
		return nil, err
	}
	if _, err := plainFile(filepath.Join(path, model.FileName)); err != nil {
		return nil, departs(model.FileName, "%v", err)
	}
	e.trace = filepath.Join(path, trace.FileName)
	if given {
		e.StartFile = filepath.Join(path, StartName)
		size, err := plainFile(e.StartFile)
		if most := int64(4*m.Network.Numbers() + 1<<20); err == nil && size > most {
			err = fmt.Errorf("%d bytes, and the weights are %d", size, 4*m.Network.Numbers())
		}
		if err != nil {
			return nil, departs(StartName, "%v", err)
		}
	}
	return e, nil
}

// agree holds the folder's settings against the model's.
func (e *Evidence) agree(folder string) error {
	const most = 1 << 20
	text, err := readPlain(filepath.Join(folder, ConfigName), most)
	if err != nil {
		return departs(ConfigName, "%v", err)
	}
	var c Config
	if _, err := c.Load(text, nil); err != nil {
		return departs(ConfigName, "%v", err)
	}
	of := e.Config.Entries()
	for i, is := range c.Entries() {
		if got, want := is.Text(), of[i].Text(); got != want {
			return departs(ConfigName+", "+is.Name, "%q, and the model was trained with %q", got, want)
		}
	}
	return nil
}

// plainFile is the size of the file at path. It refuses what is no file by itself:
// a record's links lead where it likes.
func plainFile(path string) (int64, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return 0, errors.New("there is none")
	case err != nil:
		return 0, err
	case !info.Mode().IsRegular():
		return 0, errors.New("not a regular file")
	}
	return info.Size(), nil
}

// openPlain opens a file that plainFile takes.
func openPlain(path string) (*os.File, error) {
	if _, err := plainFile(path); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// readPlain reads a file that plainFile takes, of no more than most bytes.
func readPlain(path string, most int64) (string, error) {
	f, err := openPlain(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // read only
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("more than %d bytes", most)
	}
	return string(text), err
}

// says reports whether departs, a departure or nil, settles the verdict.
func (v *Verdict) says(departs error) bool {
	v.Departs = departs
	return departs != nil
}

// start is a departure of the run's first weights, if err is one.
func (e *Evidence) start(err error) error {
	if e.StartFile != "" && (errors.Is(err, errOtherStart) || errors.Is(err, model.ErrModel)) {
		return departs(StartName, "%v", err)
	}
	return nil
}

// Certify repeats the run on data, and holds every iteration against the theory's
// promises, the trace line by line, and the model to its last bit. The settings
// are e.Config's. The error is that of a run that could not be repeated at all;
// ctx ends it after the iteration under way.
func (e *Evidence) Certify(ctx context.Context, data Data, recorders ...dlam.Recorder) (*Verdict, error) {
	v := &Verdict{Certificate: new(certify.Certificate), Iterations: e.Model.Training.Iterations, Traced: e.trace != ""}
	if v.says(e.shape()) { // before memory is taken for what it claims
		return v, nil
	}
	o := e.Config.Options
	o.Certify, o.StartFile = true, e.StartFile
	p, err := Prepare(data, o)
	if v.says(e.start(err)) {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	v.Told = p.Options.Iterations
	if v.Departs, err = e.claims(ctx, p); v.Departs != nil || err != nil {
		return v, err
	}
	return v, e.repeat(ctx, p, v, recorders)
}

// shape holds what the record says against the model's layers and its end.
func (e *Evidence) shape() error {
	t, widths := e.Model.Training, e.Model.Network.Widths()
	if h := e.Config.Options.Hidden; h != nil && e.Config.Options.ensemble() == 1 && // Prepare refuses to certify others
		!slices.Equal(h, widths[1:len(widths)-1]) {
		return departs("hidden", "the model's settings say %v, and its layers have %v", h, widths[1:len(widths)-1])
	}
	switch s := dlam.Status(t.Status); s {
	case dlam.Completed, dlam.Stopped, dlam.Interrupted, dlam.TimedOut:
	default:
		return departs("status", "%q: a run that ended so kept no promise to its end", s)
	}
	if t.Iterations < 1 {
		return departs("iterations", "%d: nothing was done that could be certified", t.Iterations)
	}
	return nil
}

// claims holds what the model says of itself against the run that p would be.
func (e *Evidence) claims(ctx context.Context, p *Plan) (departure, err error) {
	sum, err := fingerprint(ctx, p.Samples.Train, p.Problem.Comm)
	if err != nil {
		return nil, err
	}
	if is := e.Model.Training.Data; sum != is {
		return departs("data", "the samples are not those that the model was trained on: their SHA-256 is %s, and the record's %q", sum, is), nil
	}
	got, err := e.Model.Describe()
	if err != nil {
		return nil, err
	}
	like := p.model(&dlam.Result{Network: p.Network}, sum, got.Training.Config)
	like.Training.Dataset = e.recorded.name()
	like.Training.Iterations, like.Training.Kept, like.Training.Status = got.Training.Iterations, got.Training.Kept, got.Training.Status // see ended
	want, err := like.Describe()
	if err != nil {
		return nil, err
	}
	return difference("model", got, want), nil
}

// repeat trains and fills in v.
func (e *Evidence) repeat(ctx context.Context, p *Plan, v *Verdict, recorders []dlam.Recorder) error {
	outer := ctx
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f := &follower{v: v, last: v.Iterations, stop: func() {}}
	if s := dlam.Status(e.Model.Training.Status); s == dlam.Interrupted || s == dlam.TimedOut {
		f.stop = stop
	}
	if v.Traced {
		file, err := openPlain(e.trace)
		if err != nil {
			v.Departs = departs(trace.FileName, "%v", err)
			return nil
		}
		defer func() { _ = file.Close() }() // read only
		f.lines = bufio.NewReader(file)
	}
	v.Certificate.Problem = p.Problem
	o := p.runOptions()
	o.Recorders = append([]dlam.Recorder{v.Certificate, f}, recorders...)
	o.Observers = []dlam.Observer{v.Certificate}
	r, err := dlam.Run(ctx, p.Solver, p.Problem, p.Network, o)
	var departure *Departure
	switch {
	case outer.Err() != nil:
		return outer.Err()
	case errors.As(err, &departure):
		v.Departs = departure
	case r == nil:
		return refuse(err)
	case err != nil:
		v.Departs = departs("iterations", "the repeated run %s: %v", r.Status, err)
	default:
		ends := r.Status
		if ends == dlam.Interrupted { // as the record says, by ctx or by a clock
			ends = dlam.Status(e.Model.Training.Status)
		}
		if p.Options.Refit && refits(ends) {
			best, err := p.refit(outer, r.Network)
			if outer.Err() != nil {
				return outer.Err()
			} else if err != nil {
				return err
			}
			r.Network = best.Network
		}
		v.Departs = e.ended(r, f, ends)
		v.Repeated = v.Departs == nil
	}
	return nil
}

// ended holds the end of the repeated run, with its status, against the model.
func (e *Evidence) ended(r *dlam.Result, f *follower, ends dlam.Status) error {
	t := e.Model.Training
	if r.Last.Iteration != t.Iterations {
		return departs("iterations", "the model's record has %d, and the repeated run %s after %d", t.Iterations, r.Status, r.Last.Iteration)
	}
	if string(ends) != t.Status {
		return departs("status", "the model's record says %q, and the repeated run %s", t.Status, ends)
	}
	if t.Kept != 0 && t.Kept != r.Kept { // models of earlier versions do not say
		return departs("kept_iteration", "the model's record has %d, and the repeated run %d", t.Kept, r.Kept)
	}
	if err := f.end(); err != nil {
		return err
	}
	return sameParameters(e.Model.Network, r.Network)
}

// sameParameters reports where the model's parameters are not the repeated run's.
func sameParameters(got, want *dlam.Network) error {
	is := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
	const why = "; other samples, a program of another version, other instructions of the processor or several ranks round otherwise too"
	for l, ly := range got.Layers {
		w := want.Layers[l]
		for i := range ly.W.Rows {
			for j, x := range ly.W.Row(i) {
				if y := w.W.At(i, j); !is(x, y) {
					return departs(fmt.Sprintf("model, layer %d, weight [%d,%d]", l+1, i, j), "%v, and the repeated run has %v"+why, x, y)
				}
			}
			if x, y := ly.B[i], w.B[i]; !is(x, y) {
				return departs(fmt.Sprintf("model, layer %d, intercept %d", l+1, i), "%v, and the repeated run has %v"+why, x, y)
			}
		}
	}
	return nil
}

// follower holds the records of a repeated run against the lines of a trace.
type follower struct {
	v       *Verdict
	lines   *bufio.Reader // nil for no trace
	last    int           // the iteration that the record ends with
	stop    func()        // ends the run after it, if the record's was ended
	elapsed float64
}

// Record holds r against the next line.
func (f *follower) Record(r dlam.Record) error {
	if r.Iteration > f.last {
		return departs("iterations", "the model's record ends with %d, and the repeated run goes on", f.last)
	}
	if r.Iteration == f.last {
		f.stop()
	}
	if f.lines == nil {
		return nil
	}
	where := fmt.Sprintf("%s, line %d", trace.FileName, r.Iteration)
	line, err := f.line()
	if errors.Is(err, io.EOF) {
		return departs(where, "there is none, and the model's record has %d iterations", f.last)
	}
	if err != nil {
		return departs(where, "%v", err)
	}
	var got dlam.Record
	if json.Unmarshal(line, &got) != nil {
		return departs(where, "not a record")
	}
	r.Traffic = nil            // of one process
	if got.WeightNorm == nil { // as earlier versions wrote lines: they claim nothing
		r.WeightNorm, r.FromStart = nil, nil
	}
	if err := f.times(&r, got); err != nil {
		return departs(where, "%v", err)
	}
	if err := difference(where, json.RawMessage(line), r); err != nil {
		return err
	}
	if want, err := json.Marshal(r); err != nil || !bytes.Equal(line, want) {
		return departs(where, "says what it must, but is not what is written")
	}
	f.v.Lines++
	return nil
}

// times gives r the times that a line says, which no repetition has, if they can
// be those of a run.
func (f *follower) times(r *dlam.Record, got dlam.Record) error {
	if !(got.Seconds >= 0 && got.Elapsed >= f.elapsed) {
		return fmt.Errorf("%v seconds, %v since the start after %v", got.Seconds, got.Elapsed, f.elapsed)
	}
	r.Seconds, r.Elapsed, f.elapsed = got.Seconds, got.Elapsed, got.Elapsed
	r.Parts = slices.Clone(r.Parts)
	for i := range r.Parts[:min(len(r.Parts), len(got.Parts))] {
		r.Parts[i].Seconds = got.Parts[i].Seconds
	}
	return nil
}

// line is the next line, without its end.
func (f *follower) line() ([]byte, error) {
	const most = 64 << 20
	var line []byte
	for {
		part, err := f.lines.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > most:
			return nil, fmt.Errorf("longer than %d bytes", most)
		case err == nil:
			return line[:len(line)-1], nil
		case err == io.EOF && len(line) > 0:
			return nil, errors.New("it does not end")
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// end reports lines after the last.
func (f *follower) end() error {
	if f.lines == nil {
		return nil
	}
	if _, err := f.lines.ReadByte(); err != io.EOF {
		return departs(fmt.Sprintf("%s, line %d", trace.FileName, f.last+1), "one more than the model's record has iterations: if the run has gone on since, it is to be finished (dlam train --resume)")
	}
	return nil
}

// difference is the first place where two values are not the same in JSON; nil if
// there is none.
func difference(where string, got, want any) error {
	a, errA := tree(got)
	b, errB := tree(want)
	if err := errors.Join(errA, errB); err != nil {
		return departs(where, "%v", err)
	}
	return differ(where, a, b)
}

// tree is v as JSON has it: numbers by their digits.
func tree(v any) (t any, err error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return t, d.Decode(&t)
}

func differ(where string, got, want any) error {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		both := maps.Clone(g)
		maps.Copy(both, w)
		for _, k := range slices.Sorted(maps.Keys(both)) {
			if err := differ(where+", "+k, g[k], w[k]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		for i := range w {
			if err := differ(fmt.Sprintf("%s %d", where, i), g[i], w[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if g, w := brief(got), brief(want); g != w || fmt.Sprint(got) != fmt.Sprint(want) {
		return departs(where, "%s, and the repeated run has %s", g, w)
	}
	return nil
}

// brief is a value in few bytes, without what would steer a terminal.
func brief(v any) string {
	text := "none"
	if v != nil {
		raw, _ := json.Marshal(v) // which came from JSON
		text = strings.Trim(strconv.QuoteToASCII(string(raw)), `"`)
	}
	if len(text) > 60 {
		text = text[:60] + "…"
	}
	return text
}
