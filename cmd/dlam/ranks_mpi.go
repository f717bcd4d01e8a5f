//go:build mpi

package main

import "github.com/dlam-go/dlam/comm/mpi"

// whyAlone says what joinJob lacks.
const whyAlone = "the launcher belongs to another MPI library than this dlam was built with; use that library's mpirun (mpirun --version), or rebuild"

// joinJob joins the job that MPI's launcher started.
func joinJob() (job, error) { return mpi.Init() }
