package dataset

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapped is n zeros in a new file without a name. Its room on the disk is
// taken at once: a page that cannot be written later would end the process.
func mapped(dir string, n int) (data []float32, err error) {
	f, err := os.CreateTemp(dir, "dlam-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // the mapping keeps the file
	if err := os.Remove(f.Name()); err != nil {
		return nil, err
	}
	if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(n)*4); err != nil {
		return nil, err
	}
	raw, err := unix.Mmap(int(f.Fd()), 0, n*4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&raw[0])), n), nil
}

func unmapped(data []float32) error {
	return unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), 4*len(data)))
}
