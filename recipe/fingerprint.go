package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"github.com/dlam-go/dlam"
	"github.com/dlam-go/dlam/comm"
	"github.com/dlam-go/dlam/dataset"
)

// fingerprint is a hash of all processes' samples and targets, the same
// however many processes share them: the SHA-256 of each sample and its
// number, added up.
func fingerprint(ctx context.Context, d dataset.Dataset, c comm.Comm) (string, error) {
	before, total, err := comm.Offset(c, d.Rows())
	if err != nil {
		return "", err
	}
	var sum [4]uint64 // modulo 2⁶⁴ each
	var buf []byte
	const often = 1 << 10
	for i := range d.Rows() {
		if i%often == 0 && ctx.Err() != nil {
			return "", ctx.Err()
		}
		buf = appendSample(buf[:0], d, before, i)
		h := sha256.Sum256(buf)
		for w := range sum {
			sum[w] += binary.LittleEndian.Uint64(h[8*w:])
		}
	}
	if err := addWords(c, sum[:]); err != nil {
		return "", err
	}
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%d×%d %x %q", total, d.X.Cols, sum, d.Classes)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// appendSample writes sample i and its number, with before samples in front.
func appendSample(buf []byte, d dataset.Dataset, before, i int) []byte {
	buf = binary.LittleEndian.AppendUint64(buf, uint64(before+i))
	for _, v := range d.X.Row(i) {
		buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
	}
	if d.Weight != nil {
		buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(d.Weight[i]))
	}
	if d.Class != nil {
		return binary.LittleEndian.AppendUint32(buf, uint32(d.Class[i]))
	}
	for _, v := range d.Value.Row(i) {
		buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
	}
	return buf
}

// addWords adds words over processes, modulo 2⁶⁴, in halves that float64 holds
// exactly.
func addWords(c comm.Comm, words []uint64) error {
	x := make([]float64, 2*len(words))
	for i, w := range words {
		x[2*i], x[2*i+1] = float64(w&math.MaxUint32), float64(w>>32)
	}
	err := c.Sum(x)
	for i := range words {
		words[i] = uint64(x[2*i]) + uint64(x[2*i+1])<<32
	}
	return err
}

// networkDigest is a hash of a network's parameters and their shapes.
func networkDigest(n *dlam.Network) [sha256.Size]byte {
	h := sha256.New()
	for _, ly := range n.Layers {
		_, _ = fmt.Fprintf(h, "%d×%d,%d:", ly.W.Rows, ly.W.Cols, len(ly.B)) // a hash takes everything
		_ = binary.Write(h, binary.LittleEndian, ly.W.Elements())
		_ = binary.Write(h, binary.LittleEndian, ly.B)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// sameBits reports whether all processes have the same digest: the first 52
// bits of it, which a float64 holds.
func sameBits(c comm.Comm, digest [sha256.Size]byte) (bool, error) {
	mine := float64(binary.LittleEndian.Uint64(digest[:]) >> 12)
	all, err := comm.Gather(c, []float64{mine})
	for _, v := range all {
		if v[0] != mine {
			return false, err
		}
	}
	return true, err
}
