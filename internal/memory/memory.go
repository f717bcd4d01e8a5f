// Package memory says how much memory there is to take, and refuses work that
// needs more.
package memory

import (
	"fmt"
	"math"
	"strconv"
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
		e.Need, e.Limit, e.Allowed = need, Available(processes), false
	}
	if e.Limit > 0 && e.Need > e.Limit {
		return e
	}
	return nil
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
