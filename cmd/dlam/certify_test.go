//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/trace"
)

// evidence is a copy of a run's folder that a test may forge.
type evidence struct {
	*testing.T
	dir  string // the folder
	runs string // where honest runs lie
}

func (e evidence) file(name string) string { return filepath.Join(e.dir, name) }

func (e evidence) read(name string) string {
	e.Helper()
	raw, err := os.ReadFile(e.file(name))
	if err != nil {
		e.Fatal(err)
	}
	return string(raw)
}

func (e evidence) write(name, text string) {
	e.Helper()
	if err := os.WriteFile(e.file(name), []byte(text), 0o600); err != nil {
		e.Fatal(err)
	}
}

// replace is s with the first old replaced, which must be there.
func (e evidence) replace(s, old, with string) string {
	e.Helper()
	if !strings.Contains(s, old) {
		e.Fatalf("no %q in:\n%s", old, s)
	}
	return strings.Replace(s, old, with, 1)
}

// model edits the model.
func (e evidence) model(edit func(m *model.Model)) {
	e.Helper()
	m, err := model.Load(e.dir)
	if err != nil {
		e.Fatal(err)
	}
	edit(m)
	if err := m.Save(e.file(model.FileName)); err != nil {
		e.Fatal(err)
	}
}

// from puts another run's file in the place of the folder's.
func (e evidence) from(run, name string) {
	e.Helper()
	e.write(name, evidence{e.T, filepath.Join(e.runs, run), e.runs}.read(name))
}

// weights takes another run's parameters.
func (e evidence) weights(run string) {
	e.Helper()
	other, err := model.Load(filepath.Join(e.runs, run))
	if err != nil {
		e.Fatal(err)
	}
	e.model(func(m *model.Model) { m.Network.CopyFrom(other.Network) })
}

// settings edits the settings that the model says, and those of the folder.
func (e evidence) settings(old, with string) {
	e.Helper()
	e.model(func(m *model.Model) { m.Training.Config = e.replace(m.Training.Config, old, with) })
	e.write(recipe.ConfigName, e.replace(e.read(recipe.ConfigName), old, with))
}

// lines edits the trace.
func (e evidence) lines(edit func(lines []string) []string) {
	e.Helper()
	lines := strings.SplitAfter(strings.TrimSuffix(e.read(trace.FileName), "\n"), "\n")
	lines[len(lines)-1] += "\n"
	e.write(trace.FileName, strings.Join(edit(lines), ""))
}

// line edits a line of the trace.
func (e evidence) line(number int, old, with string) {
	e.Helper()
	e.lines(func(lines []string) []string {
		lines[number-1] = e.replace(lines[number-1], old, with)
		return lines
	})
}

// link puts a link in the place of a file of the folder.
func (e evidence) link(name, target string) {
	e.Helper()
	if err := errorsOf(os.Remove(e.file(name)), os.Symlink(target, e.file(name))); err != nil {
		e.Fatal(err)
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// forgeries are attempts to have certify say yes to what is not so, by kind.
// Each starts from an honest run, which certify takes.
func forgeries() []forgery {
	whole := func(i int) string { return fmt.Sprintf("trace.jsonl, line %d", i) }
	return []forgery{
		// The parameters are not the run's.
		{"weights shuffled", "run", 1, "model, layer 1, weight", func(e evidence) {
			e.model(func(m *model.Model) { w := m.Network.Layers[0].W.Elements(); w[3], w[40] = w[40], w[3] })
		}},
		{"last bit of a weight", "run", 1, `model, layer 2, weight \[0,0\]`, func(e evidence) {
			e.model(func(m *model.Model) {
				w := m.Network.Layers[1].W.Elements()
				w[0] = math.Float32frombits(math.Float32bits(w[0]) ^ 1)
			})
		}},
		{"an intercept", "run", 1, `model, layer 2, intercept 9`, func(e evidence) {
			e.model(func(m *model.Model) { m.Network.Layers[1].B[9]++ })
		}},
		{"the sign of a zero", "zero", 1, `model, layer 1, weight`, func(e evidence) {
			e.model(func(m *model.Model) {
				for _, ly := range m.Network.Layers {
					for i, w := range ly.W.Elements() {
						if w == 0 {
							ly.W.Elements()[i] = float32(math.Copysign(0, -1))
							return
						}
					}
				}
				e.Fatal("no weight is 0")
			})
		}},
		{"the weights of adam", "run", 1, "model, layer 1, weight", func(e evidence) { e.weights("adam") }},
		{"the weights of another seed", "run", 1, "model, layer 1, weight", func(e evidence) { e.weights("seed") }},
		{"the weights of an iteration before", "run", 1, "model, layer 2, weight", func(e evidence) { e.weights("shorter") }},
		{"a model file with the weights of adam", "run", 1, "model, layer 1, weight", func(e evidence) {
			e.weights("adam")
			e.alone()
		}},

		// What the model says of itself is not what the run gives.
		{"hidden wider than the model", "run", 1, `hidden: the model's settings say \[13\]`, func(e evidence) { e.settings("hidden = [12]", "hidden = [13]") }},
		{"hidden narrower", "run", 1, `hidden: the model's settings say \[11\]`, func(e evidence) { e.settings("hidden = [12]", "hidden = [11]") }},
		{"another layer", "run", 1, `hidden: the model's settings say \[12 12\]`, func(e evidence) { e.settings("hidden = [12]", "hidden = [12, 12]") }},
		{"no hidden layer", "run", 1, `hidden: the model's settings say \[\]`, func(e evidence) { e.settings("hidden = [12]", "hidden = []") }},
		{"hidden of a terabyte", "run", 1, `hidden: the model's settings say \[1000000000\]`, func(e evidence) { e.settings("hidden = [12]", "hidden = [1000000000]") }},
		{"an activation", "run", 1, "model, layers 0, activation, kind", func(e evidence) {
			e.model(func(m *model.Model) { m.Network.Layers[0].H = activation.Tanh{} })
		}},
		{"the loss", "run", 1, "model, loss, kind", func(e evidence) { e.model(func(m *model.Model) { m.Loss = loss.Hinge{} }) }},
		{"names of classes", "run", 1, "model, classes 3", func(e evidence) {
			e.model(func(m *model.Model) { m.Classes[3], m.Classes[8] = m.Classes[8], m.Classes[3] })
		}},
		{"the transform", "run", 1, "model, transform, factor 0", func(e evidence) {
			e.model(func(m *model.Model) { m.Transform.Factor[0] *= 1.5 })
		}},
		{"names of features", "table", 1, "model, features 0", func(e evidence) {
			e.model(func(m *model.Model) { m.Features[0] = "weight" })
		}},
		{"the number of samples", "run", 1, "model, training, samples", func(e evidence) { e.model(func(m *model.Model) { m.Training.Samples++ }) }},
		{"the seed told", "run", 1, "model, training, seed", func(e evidence) { e.model(func(m *model.Model) { m.Training.Seed = 7 }) }},
		{"the solver told", "run", 1, "model, training, solver", func(e evidence) { e.model(func(m *model.Model) { m.Training.Solver = "mdlam" }) }},
		{"the data told", "run", 1, "model, training, dataset", func(e evidence) { e.model(func(m *model.Model) { m.Training.Dataset = "mnist" }) }},
		{"the samples' digest", "run", 1, "data: the samples are not those", func(e evidence) {
			e.model(func(m *model.Model) { m.Training.Data = strings.Repeat("0", 64) })
		}},

		// The run's length and end.
		{"iterations cut to 1", "run", 1, "iterations: the model's record ends with 1", func(e evidence) { e.model(func(m *model.Model) { m.Training.Iterations = 1 }) }},
		{"iterations cut to 1 in a model file", "run", 1, "iterations: the model's record ends with 1", func(e evidence) {
			e.model(func(m *model.Model) { m.Training.Iterations = 1 })
			e.alone()
		}},
		{"cut to 1, as if interrupted", "run", 1, "model, layer 2, weight", func(e evidence) {
			e.model(func(m *model.Model) { m.Training.Iterations, m.Training.Status = 1, "interrupted" })
			e.lines(func(lines []string) []string { return lines[:1] })
		}},
		{"iterations raised", "run", 1, "trace.jsonl, line 7", func(e evidence) {
			e.model(func(m *model.Model) { m.Training.Iterations = 9 })
			e.settings("iterations = 6", "iterations = 9")
		}},
		{"an end that was none", "cut", 1, "iterations: the model's record ends with 4", func(e evidence) {
			e.model(func(m *model.Model) { m.Training.Status = "completed" })
		}},
		{"an end by a clock that was none", "run", 1, "status", func(e evidence) { e.model(func(m *model.Model) { m.Training.Status = "timed-out" }) }},
		{"a run that diverged", "run", 1, `status: "diverged"`, func(e evidence) { e.model(func(m *model.Model) { m.Training.Status = "diverged" }) }},
		{"an iteration that was kept", "run", 1, "kept_iteration: the model's record has 3, and the repeated run 0", func(e evidence) { e.model(func(m *model.Model) { m.Training.Kept = 3 }) }},
		{"no iterations", "run", 1, "iterations: 0", func(e evidence) { e.model(func(m *model.Model) { m.Training.Iterations = 0 }) }},

		// Settings that the run did not have.
		{"another seed", "run", 1, "model, training, seed", func(e evidence) { e.settings("seed = 0", "seed = 1") }},
		{"fewer samples", "run", 1, "data: the samples are not those", func(e evidence) { e.settings("limit = 300", "limit = 299") }},
		{"samples held back", "run", 1, "data: the samples are not those", func(e evidence) { e.settings("validation = 0.0", "validation = 0.1") }},
		{"another split", "table", 1, "data: the samples are not those", func(e evidence) { e.settings("test-split = 0.2", "test-split = 0.1") }},
		{"a regulariser", "run", 1, whole(1), func(e evidence) { e.settings("l1 = 0.0", "l1 = 0.001") }},
		{"another method", "run", 1, "model, training, solver", func(e evidence) { e.settings(`solver = "dlam"`, `solver = "mdlam"`) }},
		{"scores at other iterations", "run", 1, whole(1) + ", (from_start|gap|test|train|weight_norm)", func(e evidence) { e.settings("evaluate-every = 1", "evaluate-every = 2") }},
		{"a folder that says adam", "run", 1, "config.toml, solver", func(e evidence) {
			e.write(recipe.ConfigName, e.replace(e.read(recipe.ConfigName), `solver = "dlam"`, `solver = "adam"`))
		}},
		{"a folder of another seed", "run", 1, "config.toml, seed", func(e evidence) { e.from("seed", recipe.ConfigName) }},
		{"a folder without settings", "run", 1, "config.toml: there is none", func(e evidence) { e.remove(recipe.ConfigName) }},

		// The trace is not the run's.
		{"no trace", "run", 1, "trace.jsonl: there is none", func(e evidence) { e.remove(trace.FileName) }},
		{"the trace of another seed", "run", 1, whole(1), func(e evidence) { e.from("seed", trace.FileName) }},
		{"an objective that rises", "run", 1, whole(5) + ", objective", func(e evidence) { e.line(5, `"objective":`, `"objective":1`) }},
		{"a decrease", "run", 1, whole(3) + ", blocks 2, decrease", func(e evidence) {
			e.lines(func(lines []string) []string {
				parts := strings.Split(lines[2], `"decrease":`)
				parts[3] = "9" + parts[3]
				lines[2] = strings.Join(parts, `"decrease":`)
				return lines
			})
		}},
		{"an accuracy", "run", 1, whole(6) + ", test, accuracy", func(e evidence) {
			e.lines(func(lines []string) []string {
				lines[5] = regexp.MustCompile(`("test":.*"accuracy":)[0-9.]+`).ReplaceAllString(lines[5], "${1}0.99")
				return lines
			})
		}},
		{"a line left out", "run", 1, whole(3) + ", blocks|" + whole(3) + ", c", func(e evidence) {
			e.lines(func(lines []string) []string { return append(lines[:2], lines[3:]...) })
		}},
		{"a line doubled", "run", 1, whole(4), func(e evidence) {
			e.lines(func(lines []string) []string { return append(lines[:3], lines[2:]...) })
		}},
		{"a line more", "run", 1, whole(7), func(e evidence) {
			e.lines(func(lines []string) []string { return append(lines, lines[5]) })
		}},
		{"half a line", "run", 1, whole(6) + ": it does not end", func(e evidence) {
			e.lines(func(lines []string) []string { lines[5] = lines[5][:20]; return lines })
		}},
		{"a key twice", "run", 1, whole(2) + ": says what it must, but", func(e evidence) { e.line(2, "{", `{"objective":0,`) }},
		{"garbage", "run", 1, whole(2) + ": not a record", func(e evidence) { e.line(2, "{", "") }},
		{"time that runs back", "run", 1, whole(4) + ": .* seconds", func(e evidence) { e.line(4, `"elapsed":`, `"elapsed":-`) }},

		// The first weights are not those that were given.
		{"other first weights", "given", 1, "start.safetensors: start: not the weights that the run began with", func(e evidence) { e.from("seed", model.FileName); e.swapStart() }},
		{"no first weights", "given", 1, "start.safetensors: there is none", func(e evidence) { e.remove(recipe.StartName) }},
		{"first weights that are hushed up", "given", 1, whole(1), func(e evidence) {
			e.settings(e.digest(), `start = ""`)
		}},
		{"a file without the first weights", "given", 1, "start: .*only its folder has them", func(e evidence) { e.alone() }},

		// Orders.
		{"data that never ends", "run", 2, "say where these samples are with --data", func(e evidence) { e.settings(`data = "digits"`, `data = "/dev/zero"`) }},
		{"data of others", "run", 2, "say where these samples are with --data", func(e evidence) { e.settings(`data = "digits"`, `data = "/etc/passwd"`) }},
		{"data that waits", "run", 2, "say where these samples are with --data", func(e evidence) {
			if err := syscall.Mkfifo(e.file("pipe"), 0o600); err != nil {
				e.Fatal(err)
			}
			e.settings(`data = "digits"`, fmt.Sprintf("data = %q", e.file("pipe")))
		}},
		{"test data", "run", 2, "say where these samples are with --test-data", func(e evidence) { e.settings(`test-data = ""`, `test-data = "/dev/zero"`) }},
		{"a trace that leads elsewhere", "run", 1, "trace.jsonl: not a regular file", func(e evidence) { e.link(trace.FileName, "/dev/zero") }},
		{"settings that lead elsewhere", "run", 1, "config.toml: not a regular file", func(e evidence) { e.link(recipe.ConfigName, "/etc/passwd") }},
		{"first weights that lead elsewhere", "given", 1, "start.safetensors: not a regular file", func(e evidence) { e.link(recipe.StartName, "/dev/zero") }},
		{"a model that leads elsewhere", "run", 1, "model.safetensors: not a regular file", func(e evidence) {
			e.link(model.FileName, filepath.Join(e.runs, "run", model.FileName))
		}},
		{"a method that promises nothing", "run", 2, "nothing to certify: adam", func(e evidence) { e.settings(`solver = "dlam"`, `solver = "adam"`) }},
	}
}

// forgery is an attempt.
type forgery struct {
	name string
	run  string // the honest run
	code int    // that certify must end with
	want string // what it must say, as a regular expression
	do   func(evidence)
}

func (e evidence) remove(name string) {
	e.Helper()
	if err := os.Remove(e.file(name)); err != nil {
		e.Fatal(err)
	}
}

// alone leaves the model alone.
func (e evidence) alone() {
	for _, name := range []string{recipe.ConfigName, trace.FileName} {
		e.remove(name)
	}
}

// digest is the line of the settings with the first weights' digest.
func (e evidence) digest() string {
	return regexp.MustCompile(`start = "[0-9a-f]{64}"`).FindString(e.read(recipe.ConfigName))
}

// swapStart makes the model's weights the first weights, and takes the honest
// model back.
func (e evidence) swapStart() {
	e.write(recipe.StartName, e.read(model.FileName))
	e.from("given", model.FileName)
}

// honestRuns are runs that certify takes, by name, and the arguments that certify
// needs of them.
func honestRuns(t *testing.T, dir string) map[string][]string {
	t.Helper()
	table := newPoints(t, 90).path + ".zone"
	in := func(name string) string { return filepath.Join(dir, name) }
	common := func(more ...string) []string {
		return append([]string{"train", "--limit", "300", "--hidden", "12", "--iterations", "6", "--threads", "1", "--quiet"}, more...)
	}
	for _, r := range []struct {
		name string
		args []string
	}{
		{"run", common("--solver", "dlam")},
		{"zero", common("--solver", "dlam", "--l1", "0.1")},
		{"mdlam", common("--solver", "mdlam", "--activation", "leaky-relu:slope=0.5")},
		{"sync", common("--solver", "sync", "--batch", "0")},
		{"seed", common("--solver", "dlam", "--seed", "1")},
		{"shorter", common("--solver", "dlam", "--iterations", "5")},
		{"adam", common("--solver", "adam")},
		{"given", common("--solver", "dlam", "--init-from", in("adam"))},
		{"best", common("--solver", "dlam", "--validation", "0.2", "--patience", "1", "--iterations", "40", "--evaluate-every", "3")},
		{"table", common("--solver", "dlam", "--data", table, "--label", "zone")},
		{"tested", common("--solver", "dlam", "--data", table, "--label", "zone", "--test-data", table)},
	} {
		if code, _, said := call(append(r.args, "--run", in(r.name))...); code != exitDone {
			t.Fatalf("%s: exit code %d: %s", r.name, code, said)
		}
	}
	cutRun(t, in("cut"), "dlam", 100, 4)
	return map[string][]string{
		"run": nil, "zero": nil, "mdlam": nil, "sync": nil, "seed": nil, "given": nil, "best": nil, "cut": nil,
		"table": {"--data", table}, "tested": {"--data", table, "--test-data", table},
	}
}

// cutRun makes a run of so many iterations that is interrupted after some.
func cutRun(t *testing.T, folder, method string, iterations, after int) {
	t.Helper()
	trainUntil(t, recipe.Source{Data: "digits", Limit: 300}, recipe.Options{
		Method: method, Hidden: []int{12}, Iterations: iterations, Threads: 1, Folder: folder, Evaluate: new(3),
	}, after)
}

// trainUntil trains, and interrupts the run after an iteration if it is not the last.
func trainUntil(t *testing.T, source recipe.Source, o recipe.Options, after int) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	o.Progress = func(r dlam.Record) {
		if r.Iteration == after {
			stop()
		}
	}
	data, err := recipe.Open(ctx, source)
	if err != nil {
		t.Fatal(err)
	}
	r, err := recipe.Train(ctx, data, o)
	if err != nil || (r.Status == dlam.Interrupted) != (after < o.Iterations) {
		t.Fatalf("%v %v, want a run that was interrupted", r, err)
	}
}

// TestCertify holds that certify takes honest runs, and none of the forgeries:
// its exit code says so, and its verdict names the first place that is wrong.
func TestCertify(t *testing.T) {
	runs := t.TempDir()
	flags := honestRuns(t, runs)
	for name, more := range flags {
		code, out, said := call(append([]string{"certify", filepath.Join(runs, name), "--json"}, more...)...)
		if code != exitDone {
			t.Errorf("%s, an honest run: exit code %d: %s", name, code, said)
			continue
		}
		v := verdict(t, out)
		if v["certified"] != true || v["model_repeated"] != true || v["violations"] != 0.0 || v["trace_lines"] != v["iterations"] || v["reason"] != nil {
			t.Errorf("%s: verdict %v", name, v)
		}
		for line := range strings.Lines(said) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 100 {
				t.Errorf("%s: a line of %d columns, want 100 at most: %s", name, n, line)
			}
		}
	}
	earlier := evidence{t, filepath.Join(t.TempDir(), "run"), runs} // whose trace does not have all that this version's has
	if err := os.CopyFS(earlier.dir, os.DirFS(filepath.Join(runs, "run"))); err != nil {
		t.Fatal(err)
	}
	norms := regexp.MustCompile(`"(weight_norm|from_start)":\[[^]]*\],`)
	earlier.lines(func(lines []string) []string {
		for i, l := range lines {
			if !norms.MatchString(l) {
				t.Fatalf("no norms in %s", l)
			}
			lines[i] = norms.ReplaceAllString(l, "")
		}
		return lines
	})
	if code, out, said := call(append([]string{"certify", earlier.dir, "--json"}, flags["run"]...)...); code != exitDone || verdict(t, out)["certified"] != true {
		t.Errorf("a trace of an earlier version: exit code %d: %s", code, said)
	}
	list := forgeries()
	if len(list) < 38 {
		t.Fatalf("%d forgeries, want at least the 38 that were tried", len(list))
	}
	for _, f := range list {
		t.Run(f.name, func(t *testing.T) {
			e := evidence{t, filepath.Join(t.TempDir(), f.run), runs}
			if err := os.CopyFS(e.dir, os.DirFS(filepath.Join(runs, f.run))); err != nil {
				t.Fatal(err)
			}
			f.do(e)
			path := e.dir
			if _, err := os.Lstat(e.file(trace.FileName)); err != nil && !strings.Contains(f.name, "trace") {
				if _, err := os.Lstat(e.file(recipe.ConfigName)); err != nil {
					path = e.file(model.FileName)
				}
			}
			code, out, said := call(append([]string{"certify", path, "--json"}, flags[f.run]...)...)
			last := said[strings.LastIndex(strings.TrimSuffix(said, "\n"), "\n")+1:]
			if code != f.code || !regexp.MustCompile(f.want).MatchString(last) || strings.Contains(said, "all hold\n") {
				t.Errorf("exit code %d, want %d, and %s:\n%s", code, f.code, f.want, said)
			}
			if strings.Contains(said, "root:") {
				t.Errorf("says what is in a file that it was not given: %s", said)
			}
			if code == exitFailed {
				if v := verdict(t, out); v["certified"] != false || v["model_repeated"] != false || v["reason"] == nil {
					t.Errorf("verdict %v", v)
				}
			} else if out != "" {
				t.Errorf("refused, and printed %s", out)
			}
		})
	}
	t.Logf("%d forgeries", len(list))
}

// verdict is the JSON object that certify ends with.
func verdict(t *testing.T, out string) (v map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v: %q", err, out)
	}
	return v
}

// TestCertifyInterrupted holds that Ctrl-C ends a certificate, whatever it is at.
func TestCertifyInterrupted(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	finish(t, exitDone, shortRun("dlam", folder, 600)...)
	c := exec.Command("dlam", "certify", folder)
	said, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(said)
	if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "certifying: iteration 1 of 600") {
		t.Fatalf("%q, %v", line, err)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(lines) // until it ends
	if code := exitCode(c.Wait()); code != exitInterrupted || strings.Contains(string(rest), "certified") {
		t.Errorf("exit code %d, want %d: %s", code, exitInterrupted, rest)
	}
}

// TestModelOfNaN holds that a model whose outputs overflow is used for nothing.
func TestModelOfNaN(t *testing.T) {
	dir := t.TempDir()
	e := evidence{t, filepath.Join(dir, "run"), dir}
	if code, _, said := call("train", "--solver", "dlam", "--hidden", "8,8", "--iterations", "2", "--limit", "200", "--quiet", "--run", e.dir); code != exitDone {
		t.Fatalf("exit code %d: %s", code, said)
	}
	e.model(func(m *model.Model) {
		for _, ly := range m.Network.Layers { // each is finite
			for i := range ly.W.Elements() {
				ly.W.Elements()[i] = 1e30
			}
		}
	})
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"predict", e.dir, "digits"}, "for sample 1: its values are too large"},
		{[]string{"predict", e.dir, "digits", "--format", "jsonl"}, "for sample 1: its values are too large"},
		{[]string{"eval", e.dir}, "outputs for 360 of 360 samples are not finite"},
		{[]string{"eval", e.dir, "--json", "--train"}, "outputs for 200 of 200 samples are not finite"},
	} {
		if code, out, said := call(c.args...); code != exitFailed || out != "" || !strings.Contains(said, c.want) {
			t.Errorf("%v: exit code %d, want 1, and %q: %s%s", c.args, code, c.want, out, said)
		}
	}
}
