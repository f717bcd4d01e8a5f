// Package mpi is a comm.Comm over MPI: the engine that clusters already run.
// It is empty without the build tag mpi, so that the default build needs no C
// compiler:
//
//	CC=mpicc go build -tags mpi ./cmd/dlam
//
// mpicc is the compiler wrapper that Open MPI, MPICH and their descendants all
// bring; a program built with one library runs under that library's mpirun
// only.
//
// It calls the few MPI functions that are needed itself. The binding that is
// kept up, cogentcore.org/lab/base/mpi, was read and not taken: its Abort
// always ends the job with exit code 0, so that a script takes a failure for
// success; it starts MPI either without threads or with more than is needed
// here; it cannot say how many ranks share a machine, which the memory check
// asks; and it makes each library a build tag of its own.
//
// MPI does not promise that a sum has the same bits on every rank, but the
// all-reduce algorithms of Open MPI and MPICH (recursive doubling, ring,
// Rabenseifner's) all give them on machines of one kind; dlam holds the ranks'
// networks against each other whenever it saves.
package mpi
