// Package memory says how much memory there is to take, and refuses work that
// needs more.
package memory

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// Error says that work would take more memory than there is, or than is allowed.
type Error struct {
	Work        string  // what would take it, as "training"
	Need, Limit float64 // in bytes
	Allowed     bool    // Limit is what the user allows, not what the machine has
	AtLeast     bool    // the work was stopped at Need; it would have taken more
}

func (e *Error) Error() string {
	what := "available"
	if e.Allowed {
		what = "allowed"
	}
	if e.AtLeast {
		return fmt.Sprintf("%s would take more than the %s of memory that is %s", e.Work, Size(e.Limit), what)
	}
	return fmt.Sprintf("%s would take %s of memory, %s is %s", e.Work, Size(e.Need), Size(e.Limit), what)
}

// Room is nil if there is room for work that needs need bytes beside held bytes,
// which are taken already, and else an Error. limit is what the process may take
// of both; 0 for its share of what is available, where processes of the job run
// on this machine.
func Room(work string, held, need, limit float64, processes int) error {
	e := &Error{Work: work, Need: held + need, Limit: limit, Allowed: true}
	if limit == 0 {
		e.Need, e.Limit, e.Allowed = need, Available()/float64(max(1, processes)), false
	}
	if e.Limit > 0 && e.Need > e.Limit {
		return e
	}
	return nil
}

// Available is how much memory there is to take, in bytes: what the system has
// free, or the rest of a control group's limit; 0 if neither is known.
func Available() float64 {
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

// Size writes a number of bytes for people.
func Size(b float64) string {
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
