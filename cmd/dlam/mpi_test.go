//go:build mpi && unix

package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/report"
)

// mpirun is dlam on n ranks of this machine, however few processors it has.
func mpirun(t *testing.T, n int, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	return mpirunOf(t, n, append([]string{"dlam"}, args...)...)
}

// mpirunOf is a command on n ranks.
func mpirunOf(t *testing.T, n int, command ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	version, err := exec.Command("mpirun", "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("mpirun --version: %v: the tests need the MPI library that they are built with", err)
	}
	launch := []string{"-np", strconv.Itoa(n)}
	if bytes.Contains(version, []byte("Open MPI")) {
		launch = append(launch, "--allow-run-as-root", "--oversubscribe")
	}
	var said bytes.Buffer
	c := exec.Command("mpirun", append(launch, command...)...)
	c.Stdout, c.Stderr = &said, &said
	start(t, c)
	return c, &said
}

// onRanks runs dlam on n ranks, which must end with the exit code want.
func onRanks(t *testing.T, n, want int, args ...string) string {
	t.Helper()
	c, said := mpirun(t, n, args...)
	if got := exitCode(c.Wait()); got != want {
		t.Fatalf("dlam %s on %d ranks: exit code %d, want %d: %s", strings.Join(args, " "), n, got, want, said)
	}
	return said.String()
}

// rankRun is a training run of one thread a rank.
func rankRun(solver, folder string, iterations int, more ...string) []string {
	return append([]string{"train", "--solver", solver, "--limit", "400", "--hidden", "20,20", "--iterations", strconv.Itoa(iterations),
		"--threads", "1", "--quiet", "--run", folder}, more...)
}

func traceOf(t *testing.T, folder string) report.Run {
	t.Helper()
	r, err := report.ReadRun(folder)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// agreement is how far the objective on several ranks may be from that of one
// process, relative to it, in the first 3 iterations and in all 40. Ranks add
// the same terms in another order; float32 products within blocks differ by
// 1e-7. Methods that choose between points (a search that ends at a test, the
// nearer of two kinks) turn that into another choice sooner or later, as they
// do in one process with another number of threads, by as much.
var agreement = []struct {
	solver    string
	first, on float64
	more      []string
}{
	{"dlam", 1e-6, 1e-2, nil},
	{"dlam", 1e-6, 1e-5, []string{"--line-search", "backtracking"}},
	{"dlam", 1e-6, 1e-2, []string{"--l1", "1e-4"}},
	{"mdlam", 1e-6, 5e-2, nil},
	{"sync", 1e-6, 1e-5, []string{"--batch", "0"}},
	{"sync", 1e-6, 1e-4, []string{"--batch", "0", "--mode", "prox"}},
	{"admm", 5e-3, 5e-2, nil},
	{"dladmm", 1e-5, 5e-3, nil},
	{"bcd", 1e-5, 1e-4, nil},
	{"pdadmm", 1e-5, 1e-3, nil},
	{"lifted", 1e-4, 5e-3, nil},
	{"lifted", 1e-4, 5e-3, []string{"--penalty", "quadratic", "--alpha", "0.1", "--theta", "0.5"}},
	{"mac", 1e-5, 1e-3, []string{"--activation", "tanh"}},
	{"sgd", 1e-5, 1e-3, nil},
	{"adam", 1e-5, 1e-4, nil},
}

func TestMPIRanksAgree(t *testing.T) {
	const iterations = 40
	for _, a := range agreement {
		t.Run(strings.Join(append([]string{a.solver}, a.more...), " "), func(t *testing.T) {
			dir := t.TempDir()
			var want []float64
			for n := 1; n <= 4; n++ {
				folder := filepath.Join(dir, strconv.Itoa(n))
				onRanks(t, n, exitDone, rankRun(a.solver, folder, iterations, a.more...)...)
				r := traceOf(t, folder)
				if len(r.Records) != iterations {
					t.Fatalf("%d ranks: %d records, want %d", n, len(r.Records), iterations)
				}
				for k, rec := range r.Records {
					if n == 1 {
						want = append(want, rec.Objective)
						continue
					}
					allowed := a.on
					if k < 3 {
						allowed = a.first
					}
					if d := math.Abs(rec.Objective-want[k]) / want[k]; !(d <= allowed) {
						t.Errorf("%d ranks, iteration %d: objective %.9g, one process %.9g: they differ by %.2g, want %.2g", n, k+1, rec.Objective, want[k], d, allowed)
						break
					}
				}
			}
		})
	}
}

// Mini-batches are other samples on other numbers of ranks, so that only where
// the run ends compares.
func TestMPIMiniBatches(t *testing.T) {
	for _, solver := range []string{"sync", "adam", "lifted"} {
		dir := t.TempDir()
		var one dlam.Record
		for n := 1; n <= 4; n++ {
			folder := filepath.Join(dir, strconv.Itoa(n))
			onRanks(t, n, exitDone, "train", "--solver", solver, "--batch", "100", "--hidden", "50", "--iterations", "20", "--jitter", "0",
				"--threads", "1", "--quiet", "--run", folder)
			r := traceOf(t, folder)
			last := r.Records[len(r.Records)-1]
			if n == 1 {
				one = last
			}
			if last.Train.Accuracy < 0.95 || math.Abs(last.Test.Accuracy-one.Test.Accuracy) > 0.02 { // 7 of 360 test samples
				t.Errorf("%s on %d ranks ends at %.3f on training and %.3f on test samples, want 0.95 and, as one rank, %.3f", solver, n, last.Train.Accuracy, last.Test.Accuracy, one.Test.Accuracy)
			}
		}
	}
}

// Fewer samples in a batch than ranks leave some ranks without any.
func TestMPIEmptyBatches(t *testing.T) {
	for _, solver := range []string{"sync", "adam", "lifted"} {
		folder := filepath.Join(t.TempDir(), "run")
		onRanks(t, 4, exitDone, "train", "--solver", solver, "--limit", "13", "--batch", "2", "--hidden", "5", "--iterations", "30",
			"--threads", "2", "--quiet", "--run", folder)
		if last := traceOf(t, folder).Records[29]; !(last.Risk > 0 && last.Risk < 10) {
			t.Errorf("%s: the risk is %v", solver, last.Risk)
		}
	}
}

// TestMPILayers: layers over ranks give the bits of one process, quantised or not, also
// of a run that is resumed, and what crosses is what docs/scaling.md says.
func TestMPILayers(t *testing.T) {
	const iterations = 20
	for bits, size := range map[string]int{"0": 4, "8": 1} {
		dir := t.TempDir()
		more := []string{"--parallel", "layers", "--bits", bits, "--hidden", "20,15,30", "--checkpoint-every", "5", "--evaluate-every", "4"}
		one := filepath.Join(dir, "1")
		for _, n := range map[string][]int{"0": {1, 2, 3, 4}, "8": {1, 4}}[bits] {
			folder := filepath.Join(dir, strconv.Itoa(n))
			onRanks(t, n, exitDone, rankRun("pdadmm", folder, iterations, more...)...)
			wantSame(t, folder, one, iterations)
			if n == 1 {
				continue
			}
			boundary := []int{20, 15, 30}[4/n-1]
			for _, rec := range traceOf(t, folder).Records {
				if tr := rec.Traffic; tr.Collectives != 1 || tr.Messages != 2 || tr.Bytes != 2*400*boundary*size+8*11 {
					t.Errorf("%d ranks, %s bits, iteration %d: %+v", n, bits, rec.Iteration, tr)
				}
			}
		}
	}
	dir := t.TempDir()
	cut, straight := filepath.Join(dir, "cut"), filepath.Join(dir, "straight")
	args := []string{"--parallel", "layers", "--evaluate-every", "0"}
	if code, said := strike(t, rankRun("pdadmm", cut, 100000, args...), cut, 1, syscall.SIGINT); code != exitInterrupted {
		t.Fatalf("exit code %d, want %d: %s", code, exitInterrupted, said)
	}
	done := len(traceOf(t, cut).Records)
	onRanks(t, 2, exitDone, "train", "--resume", cut, "--quiet", "--iterations", strconv.Itoa(done+5))
	onRanks(t, 1, exitDone, rankRun("pdadmm", straight, done+5, args...)...)
	wantSame(t, cut, straight, done+5)
	said := onRanks(t, 4, exitUsage, rankRun("pdadmm", filepath.Join(dir, "more"), 5, args...)...)
	if !strings.Contains(said, "4 ranks, want at most one for each of the 3 layers") {
		t.Errorf("more ranks than layers: %s", said)
	}
}

// TestMPICertificates: the theory's promises hold on three ranks as in one
// process, on long runs.
func TestMPICertificates(t *testing.T) {
	for _, args := range [][]string{{"dlam"}, {"mdlam"}, {"dlam", "--l2", "1e-3", "--activation", "tanh"}, {"sync", "--batch", "0"}, {"lifted"}, {"mac", "--activation", "tanh"}} {
		folder := filepath.Join(t.TempDir(), "run")
		onRanks(t, 3, exitDone, rankRun(args[0], folder, 150, append(args[1:], "--certify")...)...)
	}
}

// traffic is the formula of docs/scaling.md for 2 ranks: collectives of an iteration, and
// numbers of 8 bytes in them.
func traffic(solver string, d []int) (collectives, numbers int) {
	layers := len(d) - 1
	for l := 1; l <= layers; l++ {
		in, out := d[l-1], d[l]
		gram := l == 1 || 2*out >= in
		switch solver {
		case "dlam":
			collectives++
			numbers += 7 // 3 of the z-step and 4 of the a-step
			if l == layers {
				numbers -= 2 // 5 of the output's z-step
			}
			if l == 1 {
				numbers += out*in + out
			} else {
				numbers += out*in + out + in
				if gram {
					numbers += in * in
				} else {
					collectives++
					numbers += in + out
				}
			}
		case "sync":
			numbers += out * (in + 1)
			if l > 1 {
				numbers += in * (in + 1)
			}
		case "sgd":
			numbers += out * (in + 1)
		case "pdadmm":
			collectives += 3
			numbers += out*in + out + 5
			if l > 1 {
				numbers += in*in + in
			}
		case "bcd", "admm":
			collectives += 2
			numbers += out*in + out + 4
			if l > 1 {
				numbers += in*in + in
			}
		case "admm all", "admm zeng", "lifted", "mac":
			collectives += map[string]int{"admm all": 2, "admm zeng": 3, "lifted": 3, "mac": 3}[solver]
			numbers += out*in + out + map[string]int{"admm all": 1, "admm zeng": 5, "lifted": 2, "mac": 5}[solver]
			if l > 1 {
				numbers += in*in + in
			}
		}
	}
	switch solver {
	case "admm all", "admm zeng":
		return collectives + 2, numbers + 2
	case "lifted":
		return collectives - 1, numbers - 1
	case "mac":
		return collectives - 1, numbers - 4
	case "sync": // the model along the direction, and one trial
		return 2, numbers + 4 + 3
	case "sgd":
		return 1, numbers + 3
	case "bcd", "admm":
		return collectives + 1, numbers + 1
	}
	return collectives, numbers
}

func TestMPITraffic(t *testing.T) {
	for solver, flags := range map[string][]string{
		"dlam": {"--epsilon-rule", "fixed"}, "sync": {"--batch", "0"}, "sgd": nil, "bcd": nil, "admm": nil, "pdadmm": nil,
		"lifted": nil, "mac": {"--activation", "tanh"}, "admm zeng": {"--form", "zeng", "--activation", "sigmoid"},
		"admm all": {"--multipliers", "all"},
	} {
		method, _, _ := strings.Cut(solver, " ")
		for _, hidden := range [][]int{{20, 20}, {40}} {
			folder := filepath.Join(t.TempDir(), "run")
			text := strings.Trim(strings.ReplaceAll(fmt.Sprint(hidden), " ", ","), "[]")
			onRanks(t, 2, exitDone, rankRun(method, folder, 5, append(flags, "--hidden", text)...)...)
			collectives, numbers := traffic(solver, append(append([]int{64}, hidden...), 10))
			for _, rec := range traceOf(t, folder).Records[1:] {
				if rec.Traffic.Collectives != collectives || rec.Traffic.Bytes != 8*numbers {
					t.Errorf("%s, hidden %s, iteration %d: %d sums of %d bytes, want %d of %d", solver, text, rec.Iteration, rec.Traffic.Collectives, rec.Traffic.Bytes, collectives, 8*numbers)
				}
			}
		}
	}
}

// processes are the ranks of a job of mpirun's on this machine.
func processes(t *testing.T, launcher int) map[int]int {
	t.Helper()
	ranks := map[int]int{}
	list, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range list {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		raw, err := os.ReadFile(path)
		if err != nil || !descends(pid, launcher) {
			continue // it has ended, or is another's
		}
		for _, v := range strings.Split(string(raw), "\x00") {
			for _, name := range []string{"OMPI_COMM_WORLD_RANK=", "PMI_RANK="} {
				if r, err := strconv.Atoi(strings.TrimPrefix(v, name)); err == nil && strings.HasPrefix(v, name) {
					ranks[r] = pid
				}
			}
		}
	}
	return ranks
}

// descends reports whether pid was started by ancestor, or by what it started.
func descends(pid, ancestor int) bool {
	for pid > 1 && pid != ancestor {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return false
		}
		fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
		if pid, err = strconv.Atoi(fields[1]); err != nil {
			return false
		}
	}
	return pid == ancestor
}

// strike sends a signal to a rank once the run is under way, and waits for the
// job to end, which must be soon.
func strike(t *testing.T, args []string, folder string, rank int, signal syscall.Signal) (int, string) {
	t.Helper()
	c, said := mpirun(t, 2, args...)
	await(t, folder, 12)
	pid, ok := processes(t, c.Process.Pid)[rank]
	if !ok {
		t.Fatalf("rank %d is not among the processes of the job", rank)
	}
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
	struck := time.Now()
	code := exitCode(c.Wait())
	if took := time.Since(struck); took > time.Minute {
		t.Errorf("the job went on for %v after rank %d was struck", took, rank)
	}
	return code, said.String()
}

// TestMPIKill kills a rank. The job ends, says so, and goes on to the same
// bits as one that was left alone.
func TestMPIKill(t *testing.T) {
	const iterations = 600
	for _, args := range [][]string{{"dlam"}, {"sync"}, {"adam", "--batch", "100"}} {
		t.Run(args[0], func(t *testing.T) {
			dir := t.TempDir()
			straight, cut := filepath.Join(dir, "straight"), filepath.Join(dir, "cut")
			more := append(args[1:], "--checkpoint-every", "10", "--evaluate-every", "0")
			for rank := range 2 {
				if rank == 1 {
					if err := os.RemoveAll(cut); err != nil {
						t.Fatal(err)
					}
				}
				code, said := strike(t, rankRun(args[0], cut, iterations, more...), cut, rank, syscall.SIGKILL)
				if code == exitDone || !strings.Contains(said, "signal 9") {
					t.Errorf("rank %d was killed: exit code %d, said %q", rank, code, said)
				}
			}
			onRanks(t, 2, exitDone, "train", "--quiet", "--resume", cut, "--evaluate-every", "0")
			onRanks(t, 2, exitDone, rankRun(args[0], straight, iterations, more...)...)
			wantSame(t, cut, straight, iterations)
			left, _ := filepath.Glob(filepath.Join(cut, "*checkpoint*"))
			if len(left) > 0 {
				t.Errorf("a run that has ended left %v", left)
			}
		})
	}
}

// TestMPIInterrupt: a signal to one rank stops all after the same iteration.
// The run goes on to the same bits, and on other numbers of ranks.
func TestMPIInterrupt(t *testing.T) {
	dir := t.TempDir()
	cut := filepath.Join(dir, "cut")
	if code, said := strike(t, rankRun("dlam", cut, 100000), cut, 1, syscall.SIGINT); code != exitInterrupted {
		t.Fatalf("exit code %d, want %d: %s", code, exitInterrupted, said)
	}
	done := len(traceOf(t, cut).Records)
	for _, name := range []string{model.CheckpointName, fmt.Sprintf("checkpoint-%d-1.dlam", done)} {
		if !exists(cut, name) {
			t.Fatalf("an interrupted run left no %s", name)
		}
	}
	for n := 1; n <= 3; n++ {
		again := filepath.Join(dir, strconv.Itoa(n))
		if err := os.CopyFS(again, os.DirFS(cut)); err != nil {
			t.Fatal(err)
		}
		said := onRanks(t, n, exitDone, "train", "--resume", again, "--iterations", strconv.Itoa(done+5))
		if anew := strings.Contains(said, "going on with"); anew != (n != 2) {
			t.Errorf("on %d ranks: started anew: %t: %s", n, anew, said)
		}
		if n != 2 {
			continue
		}
		straight := filepath.Join(dir, "straight")
		onRanks(t, 2, exitDone, rankRun("dlam", straight, done+5)...)
		wantSame(t, again, straight, done+5)
	}
}

// TestMPITexts: a column of numbers with a text in one rank's share alone is a column
// of texts in all of them.
func TestMPITexts(t *testing.T) {
	dir := t.TempDir()
	table := filepath.Join(dir, "table.csv")
	text := "a,b,label\n" + strings.Repeat("1,2,x\n2,1,y\n", 100) + "3,none of these,x\n"
	if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ranks := range []int{1, 3} {
		run := filepath.Join(dir, fmt.Sprint(ranks))
		onRanks(t, ranks, exitDone, "train", "--data", table, "--hidden", "4", "--quiet", "--run", run)
		m, err := model.Load(run)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Transform.Columns[1].Kind; got != dataset.KindCategory {
			t.Errorf("on %d ranks column b is taken for %v, want a category", ranks, got)
		}
	}
}

// TestMPITable: a table of numbers with gaps and a heavy tail, texts, truth values and
// dates is taken for the same columns on any number of ranks, with the same levels,
// medians and quantiles; moments differ by the order of their sums, and so do the runs.
func TestMPITable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "table.csv")
	var b strings.Builder
	b.WriteString("size,tail,shop,open,day,count,label\n")
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 1001 {
		size := strconv.FormatFloat(100*rng.NormFloat64(), 'f', 2, 64)
		if i%17 == 3 {
			size = ""
		}
		shop := fmt.Sprint("shop ", int(12*rng.Float64()*rng.Float64()))
		if i%40 == 7 {
			shop = "NA"
		}
		day := time.Date(2020, 1, 1+rng.IntN(1500), rng.IntN(24), 0, 0, 0, time.UTC).Format("2006-01-02 15:04")
		fmt.Fprintf(&b, "%s,%g,%s,%v,%s,%d,%d\n", size, math.Exp(3*rng.NormFloat64()), shop, rng.IntN(9) == 0, day, rng.IntN(500), rng.IntN(2))
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var want []dataset.Column
	var objective float64
	for n := 1; n <= 3; n++ {
		run := filepath.Join(dir, strconv.Itoa(n))
		onRanks(t, n, exitDone, "train", "--data", path, "--hidden", "8", "--batch", "0", "--iterations", "5", "--threads", "1", "--quiet", "--run", run)
		m, err := model.Load(run)
		if err != nil {
			t.Fatal(err)
		}
		got, records := m.Transform.Columns, traceOf(t, run).Records
		end := records[len(records)-1].Objective
		if n == 1 {
			want, objective = got, end
			continue
		}
		if d := math.Abs(end-objective) / objective; !(d <= 1e-4) { // float32 sums in another order, five sweeps of them
			t.Errorf("%d ranks: objective %.9g, one process %.9g", n, end, objective)
		}
		for k, c := range got {
			sameColumn(t, n, c, want[k])
		}
	}
}

// sameColumn holds what ranks found of a column against what one process found.
func sameColumn(t *testing.T, ranks int, got, want dataset.Column) {
	t.Helper()
	features := want.Features
	if len(got.Features) != len(features) {
		t.Fatalf("%d ranks: column %s has %d features, want %d", ranks, want.Name, len(got.Features), len(features))
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-10*max(1, math.Abs(b)) } // float64 sums of 800 values
	for i, f := range got.Features {
		if f.Part != features[i].Part || !near(f.Shift, features[i].Shift) || !near(f.Factor, features[i].Factor) {
			t.Errorf("%d ranks: feature %+v of column %s, want %+v", ranks, f, want.Name, features[i])
		}
	}
	for i, h := range got.Heights {
		if !near(h, want.Heights[i]) {
			t.Errorf("%d ranks: height %d of column %s is %g, want %g", ranks, i, want.Name, h, want.Heights[i])
		}
	}
	got.Features, got.Heights = nil, nil
	want.Features, want.Heights = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d ranks: column %+v, want %+v", ranks, got, want)
	}
}

// TestMPIFailure: what is wrong in one rank ends all of them, with its
// message; what is wrong in all is said once.
func TestMPIFailure(t *testing.T) {
	dir := t.TempDir()
	table := filepath.Join(dir, "table.csv")
	text := "a,b,label\n" + strings.Repeat("1,2,x\n2,1,y\n", 100) + "3,2,x,4\n"
	if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(dir, "run")
	said := onRanks(t, 3, exitUsage, "train", "--data", table, "--run", run)
	if !strings.Contains(said, "line 202") {
		t.Errorf("a bad line in the last rank's share: %s", said)
	}
	said = onRanks(t, 3, exitUsage, "train", "--threads", "0", "--run", run)
	if n := strings.Count(said, "--threads: got \"0\""); n != 1 {
		t.Errorf("a bad flag was told %d times: %s", n, said)
	}
	if exists(dir, "run") {
		t.Error("a run that did not start left its folder")
	}
}

// TestMPIWrongLauncher: processes that cannot reach each other do not each
// train alone.
func TestMPIWrongLauncher(t *testing.T) {
	t.Setenv("PMI_SIZE", "2")
	run := filepath.Join(t.TempDir(), "run")
	if said := finish(t, exitUsage, "train", "--run", run); !strings.Contains(said, "another MPI library") {
		t.Errorf("said %q", said)
	}
}
