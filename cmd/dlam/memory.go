package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/dlam-go/dlam/internal/memory"
)

const (
	maxMemory = "max-memory" // a flag
	ownMemory = 32 << 20     // bytes, about, that this program takes by itself
)

// limits are what a command may take of memory in a process, and what it says if
// it needs more.
type limits struct {
	most   byteSize // --max-memory; 0: what is available
	work   string   // what takes it: "training"
	advice string   // how to take less
}

// trainingLimits are those of training.
func trainingLimits() limits {
	return limits{work: "training", advice: "use narrower layers or fewer samples (--hidden, --limit)"}
}

func (m *limits) addFlag(f *pflag.FlagSet) {
	f.Var(&m.most, maxMemory, "refuse to take more in a process, as 2GB (default: what is available)")
}

// room refuses work that needs more bytes, beside what is held already, than is
// allowed, or, if nothing is said, than there is for each of the processes on
// this machine.
func (a *app) room(m limits, held, need float64) error {
	var large *memory.Error
	if errors.As(memory.Room(m.work, held, need, float64(m.most), a.job.Local()), &large) {
		return m.tooLarge(large)
	}
	return nil
}

// tooLarge tells of work that takes too much.
func (m limits) tooLarge(e *memory.Error) error {
	by, work := "", e.Work
	if e.Allowed {
		by = " by --" + maxMemory
	}
	if work == "training" {
		work = m.work
	}
	return usagef("%w%s: %s", &memory.Error{Work: work, Need: e.Need, Limit: e.Limit, Allowed: e.Allowed, AtLeast: e.AtLeast}, by, m.advice)
}

// collectWithin makes what is no longer used go before --max-memory is reached, or
// a limit of the system at which the process would be ended: estimates are of what
// is used.
func collectWithin(f *pflag.FlagSet) {
	if fl := f.Lookup(maxMemory); fl != nil && fl.Changed {
		if b, ok := fl.Value.(*byteSize); ok {
			debug.SetMemoryLimit(int64(*b) + ownMemory)
		}
		return
	}
	const share = 0.9
	if most := memory.Limit(); most > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(share * most))
	}
}

// collectRarely lets garbage grow to four times what is used before it is collected:
// requests leave much garbage and use little, and a server would spend a fifth of its
// time on collecting it. most is the bytes that are used at most: what comes to more is
// collected sooner.
func collectRarely(most float64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(min(debug.SetMemoryLimit(-1), int64(most)+ownMemory))
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// moreThreads lets twice as many goroutines run as there are processors. A server's
// large requests and its garbage collector keep as many threads busy as there are
// processors, and the system may stop those for others of the machine: small requests
// then have threads of their own, which the system lets run at once because they seldom
// do.
func moreThreads() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	}
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
		return fmt.Errorf("got %q, want a size as 500MB or 2GB", text)
	}
	*b = byteSize(v * unit)
	return nil
}

func (b *byteSize) String() string {
	if *b == 0 {
		return ""
	}
	return memory.Size(float64(*b))
}

// Type is how the help calls a size.
func (b *byteSize) Type() string { return "size" }
