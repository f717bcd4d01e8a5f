package memory

import (
	"math"
	"os"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
)

// Available is how much memory there is to take for one of a number of processes on
// this machine that take alike, in bytes: the least of its share of what the system has
// free, its share of what is left of the limits of the control groups that it is in,
// one in another, of version 1 or 2, and what its own limits leave (ulimit -v and -d),
// which it shares with nobody; 0 if none of these is known.
func Available(processes int) float64 { return system("/").available(processes) }

// Limit is Available of the limits that end a process which exceeds them: those of
// control groups and its own; 0 if there are none.
func Limit() float64 { return system("/").limit() }

// system is where the files are in which the system tells of its memory: /, or for
// tests a folder.
type system string

func (s system) available(processes int) float64 {
	shared := slices.Concat(s.free(), s.groups())
	for i := range shared {
		shared[i] /= float64(max(1, processes))
	}
	return least(shared, s.limits())
}

func (s system) limit() float64 { return least(s.groups(), s.limits()) }

// least is the least of the numbers that are known, and at least 1: 0 is for none.
func least(known ...[]float64) float64 {
	if all := slices.Concat(known...); len(all) > 0 {
		return max(1, slices.Min(all))
	}
	return 0
}

// read is a file's lines, each as the words that blanks separate.
func (s system) read(path ...string) (lines [][]string) {
	raw, err := os.ReadFile(filepath.Join(append([]string{string(s)}, path...)...))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(raw)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

// number is the number that follows a word at the start of a line; the number alone
// if the word is empty.
func number(lines [][]string, word string) (float64, bool) {
	for _, l := range lines {
		if word != "" && len(l) > 1 && l[0] == word {
			l = l[1:]
		} else if word != "" {
			continue
		}
		if len(l) == 0 {
			continue
		}
		v, err := strconv.ParseFloat(l[0], 64)
		return v, err == nil
	}
	return 0, false
}

// free is what the system can give without writing other memory to a disk.
func (s system) free() []float64 {
	if kb, ok := number(s.read("proc/meminfo"), "MemAvailable:"); ok {
		return []float64{kb * 1024}
	}
	return nil
}

// hierarchy is a tree of control groups that limits memory.
type hierarchy struct {
	point, root  string // where it is mounted, and which of its folders is there
	limit, usage string // names of files
	inactive     string // a word in memory.stat: of what is used, what can be given back
}

// groups is what is left of the limit of each control group that the process is in.
func (s system) groups() (left []float64) {
	for _, line := range s.read("proc/self/cgroup") {
		if len(line) == 0 {
			continue
		}
		parts := strings.SplitN(line[0], ":", 3) // a number, what is controlled, the group
		if len(parts) < 3 || parts[1] != "" && !slices.Contains(strings.Split(parts[1], ","), "memory") {
			continue
		}
		h, ok := s.mounted(parts[1] == "")
		if !ok {
			continue
		}
		group, ok := strings.CutPrefix(parts[2], strings.TrimSuffix(h.root, "/"))
		if !ok { // the process sees another part of the tree: what is mounted is its own
			group = ""
		}
		for path := filepath.Clean("/" + group); ; path = filepath.Dir(path) {
			if v, ok := s.group(h, path); ok {
				left = append(left, v)
			}
			if path == "/" {
				break
			}
		}
	}
	return left
}

// mounted finds where the control groups of version 1 or 2 are.
func (s system) mounted(v2 bool) (h hierarchy, ok bool) {
	for _, l := range s.read("proc/self/mountinfo") {
		i := slices.Index(l, "-") // after it: type, source, options
		if i < 6 || len(l) < i+4 {
			continue
		}
		h.root, h.point = l[3], l[4]
		switch {
		case v2 && l[i+1] == "cgroup2":
			h.limit, h.usage, h.inactive = "memory.max", "memory.current", "inactive_file"
			return h, true
		case !v2 && l[i+1] == "cgroup" && slices.Contains(strings.Split(l[i+3], ","), "memory"):
			h.limit, h.usage, h.inactive = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
			return h, true
		}
	}
	return h, false
}

// group is what is left of the limit of one group, if it has one.
func (s system) group(h hierarchy, path string) (left float64, ok bool) {
	limit, ok := number(s.read(h.point, path, h.limit), "")
	if !ok || limit > math.MaxInt64/2 { // version 1 writes no limit as a large number
		return 0, false
	}
	used, _ := number(s.read(h.point, path, h.usage), "")
	cached, _ := number(s.read(h.point, path, "memory.stat"), h.inactive)
	return limit - max(0, used-cached), true
}

// limits is what the process's own limits leave.
func (s system) limits() (left []float64) {
	status := s.read("proc/self/status")
	for _, line := range s.read("proc/self/limits") {
		for name, used := range map[string]string{"Max address space": "VmSize:", "Max data size": "VmData:"} {
			words := strings.Fields(name)
			if len(line) <= len(words) || !slices.Equal(line[:len(words)], words) {
				continue
			}
			limit, err := strconv.ParseFloat(line[len(words)], 64)
			if err != nil { // unlimited
				continue
			}
			kb, _ := number(status, used)
			left = append(left, limit-1024*kb+s.idleHeap())
		}
	}
	return left
}

// idleHeap is what Go's heap has of the process's memory and does not use: the limits
// count it as used, and it is used before more is asked for.
func (s system) idleHeap() float64 {
	if s != "/" { // not this process's files
		return 0
	}
	idle := []metrics.Sample{{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(idle)
	return float64(idle[0].Value.Uint64() + idle[1].Value.Uint64())
}
