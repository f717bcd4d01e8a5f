package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/internal/atomicfile"
	"github.com/dlam-go/dlam/internal/machine"
	"github.com/dlam-go/dlam/internal/shell"
	"github.com/dlam-go/dlam/nn"
	"github.com/dlam-go/dlam/trace"
)

// About is what the plan's run is, for who looks at it while it goes on or later.
func (p *Plan) About() *trace.About {
	host, _ := os.Hostname() // "" where the system has none
	a := &trace.About{
		Method: cmp.Or(p.Options.Method, p.Solver.String()), Data: p.Samples.Name(), Network: p.networkText(),
		Parameters: p.Network.Parameters(), Samples: p.Total, Test: p.Problem.TestX.Rows, Iterations: p.Options.Iterations,
		Threads: p.Options.Threads, MiniBatches: p.facts.mini, Seed: p.Options.Seed,
		Host: host, Machine: machine.This(), Started: time.Now().UTC().Truncate(time.Second),
	}
	if p.Validation != nil {
		a.Validation = p.Validation.X.Rows
	}
	if n := p.Options.ranks().Size(); n > 1 {
		a.Ranks = n
	}
	if p.Options.sharing().Size() > 1 {
		a.Test, a.Validation = 0, 0 // these are this process's share
	}
	a.Settings = p.unlikeRecipe()
	if p.Samples.source != nil && p.Options.Solver == nil {
		a.Command = p.command(a)
	}
	return a
}

// networkText is the widths of the layers, or what layers that share weights are, and
// the activation.
func (p *Plan) networkText() string {
	var layers []string
	if n := p.Network; n.FullyConnected() != nil {
		layers = append(layers, n.Layers[0].In().String(), nn.LayersText(p.Options.Layers), n.Layers[len(n.Layers)-1].Out().String())
	} else {
		layers = []string{strings.Trim(strings.ReplaceAll(textOf(n.Widths()), ",", "–"), "–")}
	}
	return strings.Join(slices.DeleteFunc(layers, func(s string) bool { return s == "" }), ", ") + ", " + p.Activation()
}

// unlikeRecipe are the settings that are not what suits the method and the data.
func (p *Plan) unlikeRecipe() []trace.Setting {
	c, leave := p.config()
	suits := &Plan{Options: Options{Method: p.Options.Method, Solver: p.Options.Solver, Settings: Settings{Batch: p.Options.Settings.Batch}}, Samples: p.Samples, Total: p.Total, meanWeight: p.meanWeight}
	suits.chooseMethod()
	usual, list := &Config{Options: suits.Options}, []trace.Setting{}
	for _, e := range c.Entries() {
		if slices.Contains(leave, e.Name) || slices.Contains([]string{"data", "data-dir", "offline", "solver", "seed", "threads", startEntry}, e.Name) {
			continue
		}
		u, _ := usual.Entry(e.Name)
		value, as := e.Text(), u.Text()
		if r, ok := find(suits.Reads, e.Name); ok && r.Value != nil {
			as = textOf(r.Value)
		}
		if e.Name == "batch" { // what suits else follows from it
			as = Auto
		}
		if e.Get() != nil && value != as {
			list = append(list, trace.Setting{Name: e.Name, Value: value, Suits: as})
		}
	}
	return list
}

// Suspect adds to an error in the first iteration which settings of the method were given,
// and what suits in their place: one that is extreme lets numbers overflow.
func (p *Plan) Suspect(err error) error {
	var given []string
	for _, s := range p.unlikeRecipe() {
		if _, ok := find(p.Reads, s.Name); ok {
			given = append(given, fmt.Sprintf("%s %s (%s suits)", s.Name, s.Value, s.Suits))
		}
	}
	if given == nil || !errors.Is(err, dlam.ErrDiverged) {
		return err
	}
	return fmt.Errorf("%w; in the first iteration a setting may be why: %s", err, strings.Join(given, ", "))
}

// command is the command line that makes the run again.
func (p *Plan) command(a *trace.About) string {
	words := []string{"dlam", "train"}
	if a.Ranks > 1 {
		words = append([]string{"mpirun", "-n", textOf(a.Ranks)}, words...)
	}
	add := func(name, value string) { words = append(words, "--"+name, value) }
	s := p.Samples.source
	add("data", s.name())
	if s.DataDir != "" && slices.Contains(dataset.Names[1:], s.name()) {
		add("data-dir", s.DataDir)
	}
	add("solver", p.Options.Method)
	for _, one := range a.Settings {
		if one.Value == "true" || one.Value == "false" { // switches take no word behind them
			words = append(words, "--"+one.Name+"="+one.Value)
			continue
		}
		add(one.Name, one.Value)
	}
	if p.Options.Seed != 0 {
		add("seed", textOf(p.Options.Seed))
	}
	add("threads", textOf(p.Options.Threads))
	if p.Options.StartDigest != "" {
		add("init-from", cmp.Or(p.Options.StartFile, filepath.Join(p.Options.Folder, StartName)))
	}
	return shell.Join(words...)
}

// begin writes what the run is into its folder.
func (r *Run) begin() error {
	r.about = r.Plan.About()
	if err := atomicfile.Write(r.folder.file(trace.AboutName), r.about.Write); err != nil {
		return refusef("run folder: %w", err)
	}
	return nil
}

// ended notes how the run ended. That this cannot be written is told, and undoes nothing
// that is saved.
func (r *Run) ended(status dlam.Status, failed error) error {
	if mine := r.folder != nil && r.folder.held() == nil; !mine {
		return nil
	}
	r.about.Status, r.about.Ended = string(status), time.Now().UTC().Truncate(time.Second)
	if failed != nil {
		r.about.Error = failed.Error()
	}
	if err := atomicfile.Write(r.folder.file(trace.AboutName), r.about.Write); err != nil {
		return r.warn(err)
	}
	return nil
}
