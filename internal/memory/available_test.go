package memory

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// fake is a system of files with the given contents.
func fake(t *testing.T, files map[string]string) system {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return system(root)
}

// TestAvailable: the least of all limits counts, wherever the system keeps them.
func TestAvailable(t *testing.T) {
	const (
		meminfo = "MemTotal: 16000000 kB\nMemAvailable:    8000 kB\n"
		none    = "Limit Soft Limit Hard Limit Units\nMax address space unlimited unlimited bytes\nMax data size unlimited unlimited bytes\n"
		mountV2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
		mountV1 = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
		noLimit = "9223372036854771712\n"
	)
	for name, c := range map[string]struct {
		files map[string]string
		want  float64
	}{
		"nothing is known": {map[string]string{}, 0},
		"free memory":      {map[string]string{"proc/meminfo": meminfo, "proc/self/limits": none}, 8000 << 10},
		"version 2": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/a/b/memory.max": "1000000\n", "sys/fs/cgroup/a/b/memory.current": "300000\n", "sys/fs/cgroup/a/b/memory.stat": "anon 200000\ninactive_file 100000\n"}, 800000},
		"version 2, a group around": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "500000\n", "sys/fs/cgroup/a/memory.current": "100000\n"}, 400000},
		"version 2, a namespace of its own": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/memory.max": "600000\n", "sys/fs/cgroup/memory.current": "0\n"}, 600000},
		"version 1, the tree of a container": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/docker/x\n0::/\n",
			"proc/self/mountinfo":                        "35 31 0:32 /docker/x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "700000\n",
			"sys/fs/cgroup/memory/memory.usage_in_bytes": "100000\n",
			"sys/fs/cgroup/memory/memory.stat":           "inactive_file 1\ntotal_inactive_file 50000\n"}, 650000},
		"version 1, nested": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:cpu:/x\n5:memory,hugetlb:/a/b\n", "proc/self/mountinfo": mountV1,
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": noLimit, "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "300000\n",
			"sys/fs/cgroup/memory/a/memory.usage_in_bytes": "0\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": noLimit}, 300000},
		"more is used than allowed": {map[string]string{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": mountV2, "sys/fs/cgroup/memory.max": "5\n", "sys/fs/cgroup/memory.current": "9\n"}, 1},
		"address space": {map[string]string{"proc/meminfo": meminfo, "proc/self/status": "VmPeak: 9 kB\nVmSize:     1000 kB\nVmData: 100 kB\n",
			"proc/self/limits": "Max address space         2048000              unlimited            bytes\nMax data size 1000000 unlimited bytes\n"}, 897600},
	} {
		s := fake(t, c.files)
		if got := s.available(1); got != c.want {
			t.Errorf("%s: got %.0f, want %.0f", name, got, c.want)
		}
		alone := name == "address space" // the processes share all but this
		if got := s.available(2); alone && got != c.want || !alone && c.want > 1 && got != c.want/2 {
			t.Errorf("%s, two processes: got %.0f", name, got)
		}
		want := c.want
		if name == "free memory" {
			want = 0
		}
		if got := s.limit(); got != want {
			t.Errorf("%s: a limit of %.0f, want %.0f", name, got, want)
		}
	}
}

// TestIdleHeap: a block of the heap counts as idle once it is dropped.
func TestIdleHeap(t *testing.T) {
	held := func() float64 {
		block := make([]byte, 64<<20)
		for i := range block {
			block[i] = 1
		}
		runtime.GC() // so that what is idle beside it is the same before and after
		defer runtime.KeepAlive(block)
		return system("/").idleHeap()
	}()
	runtime.GC()
	if idle := system("/").idleHeap(); idle < held+48<<20 {
		t.Errorf("%.0f bytes are idle after 64 MB were dropped, and were %.0f", idle, held)
	}
	if got := system(t.TempDir()).idleHeap(); got != 0 {
		t.Errorf("another system's files tell of %v idle bytes of this process", got)
	}
}
