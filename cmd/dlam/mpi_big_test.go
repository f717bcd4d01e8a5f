//go:build mpi && linux

package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// bigData writes n pictures of 14×14 in ten classes, patterns under noise, as
// an IDX file with labels.
func bigData(t *testing.T, dir string, n int) string {
	t.Helper()
	const side, classes = 14, 10
	rng := rand.New(rand.NewPCG(1, 2))
	var patterns [classes][side * side]byte
	for c := range patterns {
		for j := range patterns[c] {
			patterns[c][j] = byte(rng.UintN(128))
		}
	}
	images := filepath.Join(dir, "big-images-idx3-ubyte")
	files := [2]*bufio.Writer{}
	for i, f := range []struct {
		path string
		dims []uint32
	}{{images, []uint32{uint32(n), side, side}}, {filepath.Join(dir, "big-labels-idx1-ubyte"), []uint32{uint32(n)}}} {
		file, err := os.Create(f.path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
		}()
		files[i] = bufio.NewWriterSize(file, 1<<20)
		_, _ = files[i].Write([]byte{0, 0, 8, byte(len(f.dims))})
		_ = binary.Write(files[i], binary.BigEndian, f.dims)
	}
	var row [side * side]byte
	for range n {
		c := rng.IntN(classes)
		for j := 0; j < len(row); j += 4 {
			noise := rng.Uint32()
			for k := range 4 {
				row[j+k] = patterns[c][j+k] + byte(noise>>(8*k))&0x7f
			}
		}
		_, _ = files[0].Write(row[:])
		_ = files[1].WriteByte(byte(c))
	}
	for _, f := range files {
		if err := f.Flush(); err != nil { // the first error of any write
			t.Fatal(err)
		}
	}
	return images
}

// TestMPILargerThanMemory trains on two ranks on samples that take more memory
// than a rank may have: RLIMIT_DATA counts what a process holds itself, not
// files that are mapped. DLAM_MPI_SAMPLES says how many samples, 600,000 if
// nothing is said, and DLAM_MPI_MEMORY how many MB a rank may have, 220.
func TestMPILargerThanMemory(t *testing.T) {
	number := func(name string, without int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return n
		}
		return without
	}
	samples, memory := number("DLAM_MPI_SAMPLES", 600000), number("DLAM_MPI_MEMORY", 220)
	dir := t.TempDir()
	data := bigData(t, dir, samples)
	program, err := exec.LookPath("dlam")
	if err != nil {
		t.Fatal(err)
	}
	train := func(folder string, more ...string) (int, string) {
		line := fmt.Sprintf("ulimit -d %d && exec %s train --data %s --test-split 0 --hidden 32,32 --batch %d --iterations 2 --evaluate-every 0 --threads 1 --checkpoint-every never --run %s %s",
			memory<<10, program, data, samples/500, filepath.Join(dir, folder), strings.Join(more, " "))
		c, said := mpirunOf(t, 2, "sh", "-c", line)
		return exitCode(c.Wait()), said.String()
	}
	if code, said := train("memory"); code == exitDone {
		t.Errorf("samples of %d MB fit in %d MB: the limit holds nothing back: %s", 4*196*samples/2>>20, memory, said)
	}
	code, said := train("file", "--scratch", dir)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, said)
	}
	last := traceOf(t, filepath.Join(dir, "file")).Records[1]
	if last.Train.Accuracy < 0.95 {
		t.Errorf("training accuracy %.3f, want 0.95", last.Train.Accuracy)
	}
	t.Logf("%d samples of 196 features on 2 ranks of %d MB: %.1f s an epoch, training accuracy %.4f, %d sums of %d bytes in %.1f s",
		samples, memory, last.Seconds, last.Train.Accuracy, last.Traffic.Collectives, last.Traffic.Bytes, last.Traffic.Seconds)
}
