//go:build !mpi

package main

// whyAlone says what joinJob lacks.
const whyAlone = "this dlam was built without MPI; build it with CC=mpicc go build -tags mpi ./cmd/dlam"

// joinJob is a job of this process alone.
func joinJob() (job, error) { return alone{}, nil }
