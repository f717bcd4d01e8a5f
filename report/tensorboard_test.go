package report_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/solver/multiconvex"
	"github.com/dlam-go/dlam/trace"
)

// eventFile trains three iterations on digits and gives the event file and
// the trace.
func eventFile(t *testing.T) (path string, rs []dlam.Record) {
	t.Helper()
	p, n := digitsProblem(t)
	dir := t.TempDir()
	tb, err := report.NewTensorBoard(dir, p, 2)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	_, err = dlam.Run(context.Background(), multiconvex.Solver{Settings: multiconvex.DefaultSettings()}, p, n, dlam.Options{
		Iterations: 3, Evaluate: 1, Recorders: []dlam.Recorder{tb, trace.NewWriter(&lines)}, Observers: []dlam.Observer{tb},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := tb.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("event files: %v, %v", files, err)
	}
	rs, err = trace.Read(&lines)
	if err != nil {
		t.Fatal(err)
	}
	return files[0], rs
}

// others skips the test where the readers that others wrote are missing,
// unless DLAM_REQUIRE_PEERS=1 forbids that.
func others(t *testing.T) {
	t.Helper()
	missing := ""
	for _, tool := range []string{"node", "protoc"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = tool + " in PATH"
		}
	}
	if _, err := os.Stat("testdata/tfrecords/node_modules"); err != nil {
		missing = "report/testdata/tfrecords/node_modules (npm ci there)"
	}
	if missing == "" {
		return
	}
	if os.Getenv("DLAM_REQUIRE_PEERS") == "1" {
		t.Fatalf("no %s, and DLAM_REQUIRE_PEERS=1", missing)
	}
	t.Skipf("no %s: event files are not read by another program", missing)
}

// decode gives the events of a file as text, read by programs that are not
// ours: a TFRecord reader for frames and checksums, protoc for messages.
func decode(t *testing.T, path string) []string {
	t.Helper()
	frames, err := exec.Command("node", "testdata/tfrecords/read.js", path).Output()
	if err != nil {
		t.Fatalf("read.js: %v", err)
	}
	var events []string
	for line := range strings.FieldsSeq(string(frames)) {
		message, err := hex.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command("protoc", "--decode=tensorflow.Event", "--proto_path=testdata/tfrecords", "event.proto")
		c.Stdin = bytes.NewReader(message)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("protoc: %v: %s", err, out)
		}
		events = append(events, string(out))
	}
	return events
}

func TestTensorBoardReadByOthers(t *testing.T) {
	others(t)
	path, rs := eventFile(t)
	events := decode(t, path)
	if len(events) != 6 { // the version, histograms before iteration 1 and after 2, three records
		t.Fatalf("%d events, want 6: %v", len(events), events)
	}
	if !strings.Contains(events[0], `file_version: "brain.Event:2"`) {
		t.Errorf("first event: %s", events[0])
	}
	// Numbers: protoc prints floats so that they read back.
	scalar := regexp.MustCompile(`tag: "objective/F"\s+simple_value: (\S+)`)
	accuracy := regexp.MustCompile(`tag: "accuracy/test"\s+simple_value: (\S+)`)
	at := []int{2, 3, 5}
	for i, r := range rs {
		e := events[at[i]]
		if !strings.Contains(e, "step: "+string(rune('0'+r.Iteration))) {
			t.Errorf("event %d is not of iteration %d", at[i], r.Iteration)
		}
		within(t, "F", scalar.FindStringSubmatch(e), r.Objective)
		within(t, "test accuracy", accuracy.FindStringSubmatch(e), r.Test.Accuracy)
	}
	for _, tag := range []string{"weights/W1", "weights/W2", "residual/z-Wa-b layer 1", "residual/z-Wa-b layer 2"} {
		if !strings.Contains(events[4], tag) {
			t.Errorf("no histogram %q after iteration 2", tag)
		}
	}
	if strings.Contains(events[4], "nan") || strings.Contains(events[4], "inf") {
		t.Error("a histogram's number is not finite")
	}
}

// within holds that a number in text is want to float32's precision.
func within(t *testing.T, name string, match []string, want float64) {
	t.Helper()
	if match == nil {
		t.Errorf("%s: not there", name)
		return
	}
	got, err := strconv.ParseFloat(match[1], 64)
	if err != nil || math.Abs(got-want) > 1e-6*math.Abs(want) {
		t.Errorf("%s: got %s (%v), want %g", name, match[1], err, want)
	}
}

// TestResidualHistogram holds the sums of a residual's histogram against ρ and
// the penalty: φ = (ρ/2)Σ(z − Wa − b)².
func TestResidualHistogram(t *testing.T) {
	others(t)
	p, n := digitsProblem(t)
	p.X, p.Y.Class = p.X.RowRange(0, 200), p.Y.Class[:200] // fewer than are counted at most, so all are
	residualHistogram(t, p, n)
	for _, text := range []string{"conv 3 3x3, max 2, conv 2 2x2, max 2", "rnn 5 all, rnn 4"} {
		layers, err := dlam.ParseLayers(text)
		if err != nil {
			t.Fatal(err)
		}
		n, err := dlam.NewNetworkFor(dlam.Shape{Height: 8, Width: 8, Channels: 1}, layers, 10, activation.Tanh{}, dlam.He, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		residualHistogram(t, p, n)
	}
}

func residualHistogram(t *testing.T, p *dlam.Problem, n *dlam.Network) {
	t.Helper()
	dir := t.TempDir()
	tb, err := report.NewTensorBoard(dir, p, 1)
	if err != nil {
		t.Fatal(err)
	}
	settings := multiconvex.DefaultSettings()
	res, err := dlam.Run(context.Background(), multiconvex.Solver{Settings: settings}, p, n, dlam.Options{Iterations: 5, Observers: []dlam.Observer{tb}})
	if err != nil {
		t.Fatal(err)
	}
	if err := tb.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "events*"))
	if err != nil {
		t.Fatal(err)
	}
	events := decode(t, files[0])
	for l, penalty := range res.Last.Penalty {
		squares := regexp.MustCompile(fmt.Sprintf(`(?s)tag: "residual/z-Wa-b layer %d".*?sum_squares: (\S+)`, l+1))
		m := squares.FindStringSubmatch(events[len(events)-1])
		if m == nil {
			t.Fatalf("no residual of layer %d", l+1)
		}
		got, err := strconv.ParseFloat(m[1], 64)
		// The penalty sums a residual that is updated step by step, this one is made
		// afresh: they differ by float32's rounding, also where it is 0.
		if want := 2 * penalty / settings.Rho; err != nil || math.Abs(got-want) > 1e-3*want+1e-6 {
			t.Errorf("layer %d: Σ(z − Wa − b)²: got %g (%v), want 2φ/ρ = %g", l+1, got, err, want)
		}
	}
}
