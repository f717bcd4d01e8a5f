// Package machine says where and by what a run is computed, and what processor time it takes.
package machine

import (
	"bufio"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Machine is where and by what a run was computed.
type Machine struct {
	CPU      string `json:"cpu"`
	CPUs     int    `json:"cpus"` // that this process may use
	System   string `json:"system"`
	Go       string `json:"go"`
	Revision string `json:"revision,omitempty"` // of this program's source, or its version, if known
}

// Program is the program's commit, or its version where it was built without the
// repository, as people read it; "" if it is not known.
func (m Machine) Program() string {
	switch r := m.Revision; {
	case r == "":
		return ""
	case strings.Trim(r, "0123456789abcdef") == "":
		return "commit " + r[:min(12, len(r))]
	default:
		return "version " + r
	}
}

// This looks around.
func This() Machine {
	m := Machine{CPU: cpuModel(), CPUs: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "(devel)" { // which names its commit, or a release
			m.Revision = v
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				m.Revision = s.Value
			}
		}
	}
	return m
}

// cpuModel is the processor's name where Linux tells it.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer func() { _ = f.Close() }() // read only
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
