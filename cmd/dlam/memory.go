package main

import (
	"bytes"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam"
)

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

// checkMemory refuses a run that needs more than limit, or, with limit 0, than
// there is for each of the processes on this machine.
func checkMemory(need, limit float64, processes int) error {
	what := "allowed by --max-memory"
	if limit == 0 {
		limit, what = available()/float64(processes), "available"
	}
	if limit > 0 && need > limit {
		return usagef("training would take %s of memory, %s is %s: use narrower layers or fewer samples (--hidden, --limit)", size(need), size(limit), what)
	}
	return nil
}

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
