//go:build mpi

package mpi

/*
#include <mpi.h>

// Macros of MPI as functions, which cgo can call.
static int dlam_start(int *level) {
	return MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, level);
}
static int dlam_world(int *rank, int *size, int *local) {
	MPI_Comm machine;
	int err = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
	if (!err) err = MPI_Comm_rank(MPI_COMM_WORLD, rank);
	if (!err) err = MPI_Comm_size(MPI_COMM_WORLD, size);
	if (!err) err = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
	if (!err) err = MPI_Comm_size(machine, local);
	if (!err) err = MPI_Comm_free(&machine);
	return err;
}
static int dlam_sum(double *x, int n) {
	return MPI_Allreduce(MPI_IN_PLACE, x, n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}
static int dlam_exchange(void *out, int n, int to, void *in, int m, int from) {
	MPI_Status status;
	int got;
	int err = MPI_Sendrecv(out, n, MPI_BYTE, to < 0 ? MPI_PROC_NULL : to, 0,
		in, m, MPI_BYTE, from < 0 ? MPI_PROC_NULL : from, 0, MPI_COMM_WORLD, &status);
	if (!err) err = MPI_Get_count(&status, MPI_BYTE, &got);
	return err ? err : got == m ? MPI_SUCCESS : MPI_ERR_COUNT;
}
static void dlam_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }
static int dlam_serialized(void) { return MPI_THREAD_SERIALIZED; }
enum { dlam_message = MPI_MAX_ERROR_STRING };
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/dlam-go/dlam/comm"
)

// World is all processes of the job that this one was started in.
type World struct {
	rank, size, local int
	end, ended        chan error
}

var _ comm.Comm = (*World)(nil)

// Init joins the job. A process does so once, and ends with Close or Abort.
func Init() (*World, error) {
	w := &World{end: make(chan error), ended: make(chan error)}
	started := make(chan error)
	go w.live(started)
	return w, <-started
}

// live is the thread that MPI calls its main one: what starts MPI must end it.
// Sums may come from any thread, one at a time.
func (w *World) live(started chan<- error) {
	runtime.LockOSThread()
	var level C.int
	if err := check("MPI_Init_thread", C.dlam_start(&level)); err != nil {
		started <- err
		return
	}
	if level < C.dlam_serialized() {
		started <- fmt.Errorf("this MPI library allows calls from one thread only (level %d, want %d)", level, C.dlam_serialized())
		return
	}
	var rank, size, local C.int
	err := check("MPI_COMM_WORLD", C.dlam_world(&rank, &size, &local))
	w.rank, w.size, w.local = int(rank), int(size), int(local)
	started <- err
	<-w.end
	w.ended <- check("MPI_Finalize", C.MPI_Finalize())
}

// check turns an MPI error code into an error.
func check(call string, code C.int) error {
	if code == C.MPI_SUCCESS {
		return nil
	}
	var text [C.dlam_message]C.char
	var n C.int
	C.MPI_Error_string(code, &text[0], &n)
	return fmt.Errorf("%s: %s", call, C.GoStringN(&text[0], n))
}

// Sum adds x over all ranks.
func (w *World) Sum(x []float64) error {
	const most = 1 << 30 // MPI counts in C's int
	for len(x) > 0 {
		n := min(len(x), most)
		if code := C.dlam_sum((*C.double)(unsafe.Pointer(&x[0])), C.int(n)); code != C.MPI_SUCCESS {
			return check("MPI_Allreduce", code)
		}
		x = x[n:]
	}
	return nil
}

// Exchange passes messages, in parts that MPI can count.
func (w *World) Exchange(to int, out []byte, from int, in []byte) error {
	const most = 1 << 30
	for len(out) > 0 || len(in) > 0 {
		n, m := min(len(out), most), min(len(in), most)
		if n == 0 {
			to = -1
		}
		if m == 0 {
			from = -1
		}
		code := C.dlam_exchange(unsafe.Pointer(unsafe.SliceData(out)), C.int(n), C.int(to), unsafe.Pointer(unsafe.SliceData(in)), C.int(m), C.int(from))
		if code != C.MPI_SUCCESS {
			return check("MPI_Sendrecv", code)
		}
		out, in = out[n:], in[m:]
	}
	return nil
}

// Rank is this process's number.
func (w *World) Rank() int { return w.rank }

// Size is the number of processes.
func (w *World) Size() int { return w.size }

// Local is the number of processes on this machine.
func (w *World) Local() int { return w.local }

// Close leaves the job, which every rank must do.
func (w *World) Close() error {
	w.end <- nil
	return <-w.ended
}

// Abort ends every process of the job, this one included, with an exit code.
func (w *World) Abort(code int) { C.dlam_abort(C.int(code)) }
