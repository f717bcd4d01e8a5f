package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// TestNumbers holds numbers of many forms, read fast, against strconv: the same
// bits, so that a model says the same of JSON as of a table.
func TestNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	check := func(text string) {
		t.Helper()
		n, end, fault := scanNumber([]byte(text), 0)
		if fault != "" || end != len(text) {
			t.Fatalf("%s: %s after %d bytes", text, fault, end)
		}
		got, fault := n.float32([]byte(text))
		want, err := strconv.ParseFloat(text, 32)
		if (fault != "") != (err != nil) || fault == "" && math.Float32bits(got) != math.Float32bits(float32(want)) {
			t.Fatalf("%s: got %g %q, want %g, %v", text, got, fault, float32(want), err)
		}
	}
	for range 200_000 {
		bits := math.Float32frombits(rng.Uint32())
		if bits-bits != 0 {
			continue
		}
		f := float64(bits)
		next := float64(math.Nextafter32(bits, 0))
		check(strconv.FormatFloat(f, 'g', -1, 32))
		check(strconv.FormatFloat(f, 'f', rng.IntN(12), 64))
		check(strconv.FormatFloat((f+next)/2, 'g', 1+rng.IntN(18), 64)) // close to where two float32 meet
		check(strconv.FormatFloat(float64(float32(rng.IntN(1<<26)))/1e4+5e-9, 'f', 9, 64))
		check(fmt.Sprint(rng.Int64()))
	}
	for _, text := range []string{"0", "-0", "-0.0", "1e400", "-1e-400", "16777217", "16777217.0000000001", "3.4028236e38", "3.4028234e38", "1e-45", "7e-46", "1e1048577", "123456789012345678901234567890e-30"} {
		check(text)
	}
}

// FuzzNumbers holds that a list is taken exactly if it is JSON of float32, in
// rows of one length or flat, and that its elements are those of encoding/json.
func FuzzNumbers(f *testing.F) {
	for _, text := range []string{"[1,2]", "[[1,2],[3,4]]", "[]", "[[]]", "[ -1.5e3 ,\n2]", "[1e40]", "[01]", "[1,]", "[[1],[2,3]]", "[true,1]", "[-]", "[1.e5]", "[[],[]]"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := &scanner{text: []byte(text)}
		got, err := s.data(1 << 20)
		if err == nil {
			err = s.end()
		}
		want, ok := reference(text)
		if (err == nil) != ok {
			t.Fatalf("%q: got %v; encoding/json takes it: %v", text, err, ok)
		}
		if err != nil {
			return
		}
		for i, v := range want {
			if len(got.values) != len(want) || math.Float32bits(got.values[i]) != math.Float32bits(v) {
				t.Fatalf("%q: got %v, want %v", text, got.values, want)
			}
		}
	})
}

// reference reads a list as data does, by encoding/json.
func reference(text string) (values []float32, ok bool) {
	var all []json.RawMessage
	if strings.TrimLeft(text, " \t\r\n") == "" || json.Unmarshal([]byte(text), &all) != nil || all == nil {
		return nil, false
	}
	if len(all) > 0 && all[0][0] == '[' {
		row := -1
		for _, r := range all {
			v, ok := reference(string(r))
			if !ok || r[0] != '[' || row >= 0 && row != len(v) || strings.Count(string(r), "[") > 1 {
				return nil, false
			}
			row = len(v)
			values = append(values, v...)
		}
		return values, true
	}
	for _, r := range all {
		switch string(r) {
		case "true":
			values = append(values, 1)
			continue
		case "false":
			values = append(values, 0)
			continue
		}
		if r[0] != '-' && (r[0] < '0' || r[0] > '9') {
			return nil, false
		}
		v, err := strconv.ParseFloat(string(r), 32)
		if err != nil {
			return nil, false
		}
		values = append(values, float32(v))
	}
	return values, true
}
