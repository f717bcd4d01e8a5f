package model

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/internal/testprob"
)

// headed is a safetensors file with the given length of header and header.
func headed(length uint64, header string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, length), header...)
}

// sealed is a checkpoint of payload, with its checksum.
func sealed(payload []byte) []byte {
	sum := sha256.Sum256(payload)
	return append(append(append([]byte(nil), checkpointMagic...), sum[:]...), payload...)
}

// bombs are safetensors files that claim more than they have.
var bombs = map[string][]byte{
	"a header of 2^60 bytes":        headed(1<<60, "{}"),
	"a header beyond int64":         headed(1<<64-1, "{}"),
	"a header of the largest size":  headed(100_000_000, "{}"),
	"a tensor of 2^60 elements":     tensor(`[1152921504606846976, 1]`, `[0, 4611686018427387904]`),
	"a shape that overflows":        tensor(`[4294967296, 4294967296]`, `[0, 0]`),
	"a shape of nothing, and large": tensor(`[0, 1152921504606846976]`, `[0, 0]`),
	"an end before its beginning":   tensor(`[1, 1]`, `[4, 0]`),
}

func tensor(shape, offsets string) []byte {
	h := `{"0.weight":{"dtype":"F32","shape":` + shape + `,"data_offsets":` + offsets + `}}`
	return headed(uint64(len(h)), h)
}

// TestBombs: what a file claims is not believed. Each is refused as a model, as
// weights and as a checkpoint, and next to nothing is allocated.
func TestBombs(t *testing.T) {
	like := sample().Network
	path := filepath.Join(t.TempDir(), "bomb")
	for name, raw := range bombs {
		for kind, content := range map[string][]byte{"model": raw, "weights": raw, "checkpoint": sealed(raw)} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			var err error
			got := testprob.Allocated(func() {
				switch kind {
				case "model":
					_, err = Load(path)
				case "weights":
					_, err = Weights(path, like)
				default:
					_, err = LoadCheckpoint(path)
				}
			})
			if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s as %s: got %v, want ErrModel with the path", name, kind, err)
			}
			if got > 1<<20 {
				t.Errorf("%s as %s: %.0f bytes allocated for a file of %d", name, kind, got, len(content))
			}
		}
	}
}

// FuzzCheckpointPayload is FuzzCheckpoint with a checksum that is right, which
// mutation does not find.
func FuzzCheckpointPayload(f *testing.F) {
	path := filepath.Join(f.TempDir(), CheckpointName)
	if err := (&Checkpoint{Network: sample().Network}).Save(path); err != nil {
		f.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw[len(checkpointMagic)+sha256.Size:])
	for _, raw := range bombs {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := parseCheckpoint(sealed(payload), nil)
		if err == nil && c.Network.Validate() != nil {
			t.Fatal("an invalid network was accepted")
		}
	})
}
