package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dlam-go/dlam/comm"
)

// job is the processes that a run is divided over.
type job interface {
	comm.Comm
	Local() int     // of them on this machine
	Close() error   // leaves the job; every process must
	Abort(code int) // ends every process
}

// alone is a job of one process.
type alone struct{ comm.Self }

func (alone) Local() int   { return 1 }
func (alone) Close() error { return nil }
func (alone) Abort(int)    {}

// launched is how many processes the launcher says that it started, and where
// it says so; 0 if there is none. Open MPI's, then MPICH's and its kin's, then
// Slurm's srun.
func launched() (n int, variable string) {
	for _, v := range []string{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"} {
		if n, err := strconv.Atoi(os.Getenv(v)); err == nil {
			return n, v
		}
	}
	return 0, ""
}

// join makes the processes that were started together one job.
func (a *app) join() error {
	n, variable := launched()
	j, err := joinJob()
	if err != nil {
		return err
	}
	a.job = j
	if n > 1 && j.Size() == 1 {
		return usagef("started as one of %d processes (%s), but they cannot reach each other, and each would train alone: %s", n, variable, whyAlone)
	}
	return nil
}

// refuseRanks keeps commands that run in one process from running in many.
func refuseRanks(command string) error {
	if n, variable := launched(); n > 1 {
		return usagef("%s runs in one process, and was started in %d (%s): only dlam train divides its work", command, n, variable)
	}
	return nil
}

// fail says what is wrong and ends the whole job: processes that wait for this
// one would wait for ever. What is wrong for all is said once, by rank 0: the
// others give it the time to end them, which the launcher does by SIGTERM.
func (a *app) fail(err error, code int) {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if a.job.Rank() > 0 {
		ended := make(chan os.Signal, 1)
		signal.Notify(ended, syscall.SIGTERM)
		select {
		case <-ended:
			return
		case <-time.After(2 * time.Second):
		}
		text = fmt.Sprintf("rank %d of %d: %s", a.job.Rank(), a.job.Size(), text)
	}
	_, _ = fmt.Fprintf(printable{a.err}, "dlam: %s\n", text)
	a.job.Abort(code)
}
