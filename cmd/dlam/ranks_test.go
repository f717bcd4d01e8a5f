//go:build unix && !mpi

package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// Without MPI, processes started together would each train alone, and write
// one run.
func TestRefusesRanks(t *testing.T) {
	for _, v := range []string{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"} {
		t.Run(v, func(t *testing.T) {
			t.Setenv(v, "3")
			run := filepath.Join(t.TempDir(), "run")
			if said := finish(t, exitUsage, "train", "--run", run); !strings.Contains(said, "one of 3 processes ("+v+")") {
				t.Errorf("train: said %q", said)
			}
			if said := finish(t, exitUsage, "data", "list"); !strings.Contains(said, "only dlam train divides its work") {
				t.Errorf("data list: said %q", said)
			}
			t.Setenv(v, "1")
			finish(t, exitDone, "data", "list")
		})
	}
}
