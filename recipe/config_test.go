package recipe_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlam-go/dlam/activation"
	"github.com/dlam-go/dlam/internal/variants"
	"github.com/dlam-go/dlam/loss"
	"github.com/dlam-go/dlam/recipe"
	"github.com/dlam-go/dlam/spec"
)

// TestConfigRoundTrip writes random settings of every sort and reads them back:
// they are equal, and so is their text.
func TestConfigRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 0))
	given := map[string]int{}
	for range 400 {
		var c recipe.Config
		for _, e := range c.Entries() {
			if rng.IntN(3) > 0 {
				continue
			}
			if err := e.Set(randomText(rng, e)); err != nil {
				t.Fatalf("%s: %v", e.Name, err)
			}
			if e.Get() != nil {
				given[e.Name]++
			}
		}
		text, err := c.Text()
		if err != nil {
			t.Fatal(err)
		}
		var back recipe.Config
		notes, err := back.Load(text, nil)
		if err != nil || len(notes) > 0 {
			t.Fatalf("%v %v:\n%s", err, notes, text)
		}
		if d := cmp.Diff(c, back); d != "" {
			t.Fatalf("written, then read (-written +read):\n%s\n%s", d, text)
		}
		if again, err := back.Text(); err != nil || again != text {
			t.Fatalf("%v: written again:\n%s\nwas:\n%s", err, again, text)
		}
	}
	for _, e := range new(recipe.Config).Entries() {
		if given[e.Name] < 5 {
			t.Errorf("%s: given %d times in 400, want each setting tried", e.Name, given[e.Name])
		}
	}
}

// operatorsOf are the operators of a kind, as texts.
func operatorsOf[T spec.Operator](all []T, kind string) []string {
	var texts []string
	for _, o := range variants.Of(all) {
		if s := o.Spec(); s.Kind == kind {
			texts = append(texts, s.String())
		}
	}
	return texts
}

// randomText is a text that e takes.
func randomText(rng *rand.Rand, e recipe.Entry) string {
	if usage := e.Usage(); len(usage) > 0 {
		text := usage[rng.IntN(len(usage))]
		if kind, _, ok := strings.Cut(text, "["); ok { // with the usual parameters or with others
			texts := append(operatorsOf(activation.All, kind), operatorsOf(loss.All, kind)...)
			text = texts[rng.IntN(len(texts))]
		}
		return text
	}
	switch kind := e.Kind(); kind {
	case "":
		return strconv.FormatBool(rng.IntN(2) == 0)
	case "int":
		return strconv.Itoa(1 + rng.IntN(math.MaxInt>>rng.IntN(60)))
	case "uint":
		return strconv.FormatUint(rng.Uint64()>>rng.IntN(60), 10)
	case "float":
		return strconv.FormatFloat(math.Float64frombits(rng.Uint64N(0x7ff0<<48)), 'g', -1, 64)
	case "widths":
		parts := make([]string, rng.IntN(4))
		for i := range parts {
			parts[i] = strconv.Itoa(1 + rng.IntN(5000))
		}
		return strings.Join(parts, ",")
	case "layers":
		return fmt.Sprintf("conv %d 3x2 /2 pad 1 tanh\nmax 2, conv 4 %d # this one\nmean 3, dense 7 leaky-relu:slope=0.5", 1+rng.IntN(50), 1+rng.IntN(5))
	case "shape":
		return fmt.Sprintf("%dx%d", 1+rng.IntN(500), 1+rng.IntN(500))
	case "size":
		return fmt.Sprintf("%dx%d", 1+rng.IntN(500), 1+rng.IntN(500))
	case "moves":
		return []string{"none", "flip", "crop,brightness"}[rng.IntN(3)]
	case "names":
		return `"a,b",` + strconv.Itoa(rng.IntN(9)) + `,"a ""name"""`
	case "NAME=WEIGHT":
		return []string{"balanced", `"a,=b=2.5",c=1e-3`}[rng.IntN(2)]
	case "NAME=KIND":
		return `"a,=b=number",c=date`
	case "string":
		runes := []rune("a\"'\\#=[]{},.-_ \t\n\x01\x7fé€𝛼\u2028")
		text := make([]rune, 1+rng.IntN(8))
		for i := range text {
			text[i] = runes[rng.IntN(len(runes))]
		}
		return string(text)
	default:
		panic("no values of kind " + kind)
	}
}

// TestNoText holds that settings which no file can hold are refused, not written.
func TestNoText(t *testing.T) {
	c := recipe.Config{Source: recipe.Source{Data: "a\xffb.csv"}}
	if text, err := c.Text(); !errors.Is(err, recipe.ErrRefused) {
		t.Errorf("got %v, want a refusal; the text is %q", err, text)
	}
}

// TestLargeSeeds holds that a run with a seed beyond what TOML's integers have
// can be read back.
func TestLargeSeeds(t *testing.T) {
	for _, seed := range []uint64{0, 1, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64} {
		c := recipe.Config{Options: recipe.Options{Seed: seed}}
		text, err := c.Text()
		if err != nil {
			t.Fatal(err)
		}
		var back recipe.Config
		if _, err := back.Load(text, nil); err != nil || back.Options.Seed != seed {
			t.Errorf("seed %d: read back as %d, %v", seed, back.Options.Seed, err)
		}
	}
}
