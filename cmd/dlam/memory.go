package main

import (
	"bytes"
	"errors"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/dataset"
)

const (
	maxMemory = "max-memory" // a flag
	ownMemory = 32 << 20     // bytes, about, that this program takes by itself
)

// memory is what a command may take in a process, and what it says if it needs
// more.
type memory struct {
	limit  byteSize // --max-memory; 0: what is available
	work   string   // what takes it: "training"
	advice string   // how to take less
}

// trainingMemory is that of training.
func trainingMemory() memory {
	return memory{work: "training", advice: "use narrower layers or fewer samples (--hidden, --limit)"}
}

func (m *memory) addFlag(f *pflag.FlagSet) {
	f.Var(&m.limit, maxMemory, "refuse to take more in a process, as 2GB (default: what is available)")
}

// room refuses work that needs more bytes, beside what is held already, than is
// allowed, or, if nothing is said, than there is for each of the processes on
// this machine.
func (a *app) room(m memory, held, need float64) error {
	need, limit, what := held+need, float64(m.limit), "allowed by --"+maxMemory
	if limit == 0 {
		need, limit, what = need-held, available()/float64(a.job.Local()), "available"
	}
	if limit > 0 && need > limit {
		return usagef("%s would take %s of memory, %s is %s: %s", m.work, size(need), size(limit), what, m.advice)
	}
	return nil
}

// collectWithin makes what is no longer used go before --max-memory is reached:
// estimates are of what is used.
func collectWithin(f *pflag.FlagSet) {
	if fl := f.Lookup(maxMemory); fl != nil && fl.Changed {
		if b, ok := fl.Value.(*byteSize); ok {
			debug.SetMemoryLimit(int64(*b) + ownMemory)
		}
	}
}

// samplesSize is the bytes of memory that samples take.
func samplesSize(parts ...dataset.Dataset) float64 {
	var values float64
	for _, d := range parts {
		if d.Scratch == nil || d.Scratch.Dir == "" {
			values += float64(d.Rows()) * float64(d.X.Cols)
		}
	}
	return 4 * values
}

// certificateSize is about how many bytes a certificate of an iterate takes:
// the one before it, with a and a cut to its band, a layer's products in
// float64, before and after, and a copy of what goes into it.
func certificateSize(widths []int, samples int) float64 {
	var units, widest float64
	for _, d := range widths[1:] {
		units += float64(d)
		widest = max(widest, float64(d))
	}
	return float64(samples) * (4*3*units + 8*2*widest + 4*max(widest, float64(widths[0])))
}

// estimator is a solver that knows how much memory it will take, in bytes
// beside the samples.
type estimator interface {
	Memory(widths []int, samples, threads int) float64
}

// estimate is the memory that training will take beside the samples: float64,
// since it may be absurd.
func estimate(s dlam.Solver, widths []int, samples, threads int) float64 {
	if e, ok := s.(estimator); ok {
		return e.Memory(widths, samples, threads)
	}
	var bytes float64 // parameters, gradients and moments of any method, and activations of a few blocks
	for l, d := range widths[1:] {
		bytes += 4 * (float64(d)*float64(widths[l])*float64(8+threads) + 2048*float64(d)*float64(threads))
	}
	return bytes
}

// available is how much memory there is to take: what the system has free, or
// the rest of a control group's limit; 0 if nobody says.
func available() float64 {
	free := meminfo("MemAvailable:")
	if limit := readNumber("/sys/fs/cgroup/memory.max"); limit > 0 {
		rest := limit - readNumber("/sys/fs/cgroup/memory.current")
		if free == 0 || rest < free {
			free = rest
		}
	}
	return free
}

func meminfo(key string) float64 {
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(raw) {
		fields := strings.Fields(string(line))
		if len(fields) >= 2 && fields[0] == key {
			kb, _ := strconv.ParseFloat(fields[1], 64) // 0 if it is no number
			return kb * 1024
		}
	}
	return 0
}

func readNumber(path string) float64 {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	v, _ := strconv.ParseFloat(strings.TrimSpace(string(raw)), 64) // "max" is no number
	return v
}

// byteSize is a flag of a number of bytes; 0 is none said.
type byteSize float64

var _ pflag.Value = (*byteSize)(nil)

// Set parses a size as 2GB.
func (b *byteSize) Set(text string) error {
	number := strings.TrimSpace(strings.ToUpper(text))
	unit := 1.0
	for _, u := range []struct {
		name string
		size float64
	}{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", 1 << 40}, {"B", 1}} {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v > 0 && v*unit < math.MaxInt64/2) {
		return errors.New("want a size as 500MB or 2GB")
	}
	*b = byteSize(v * unit)
	return nil
}

func (b *byteSize) String() string {
	if *b == 0 {
		return ""
	}
	return size(float64(*b))
}

// Type is how the help calls a size.
func (b *byteSize) Type() string { return "size" }

// size is bytes for people.
func size(b float64) string {
	for _, u := range []string{"B", "kB", "MB", "GB"} {
		if b < 999.5 {
			return strconv.FormatFloat(b, 'f', places(b), 64) + " " + u
		}
		b /= 1024
	}
	return strconv.FormatFloat(b, 'g', 3, 64) + " TB"
}

// places is how many decimals show two or three digits of b.
func places(b float64) int {
	if b < 10 && b != math.Trunc(b) {
		return 1
	}
	return 0
}
