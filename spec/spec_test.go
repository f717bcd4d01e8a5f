package spec_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/internal/fixedseed"
	"github.com/dlam-go/dlam/spec"
	"pgregory.net/rapid"
)

func TestTextAndJSON(t *testing.T) {
	for _, c := range []struct {
		s          spec.Spec
		text, json string
	}{
		{spec.Spec{Kind: "relu"}, "relu", `{"kind":"relu"}`},
		{spec.Spec{Kind: "leaky-relu", Numbers: map[string]float64{"slope": 0.5}}, "leaky-relu:slope=0.5", `{"kind":"leaky-relu","slope":0.5}`},
		{spec.Spec{Kind: "a/B_2.c", Numbers: map[string]float64{"y": -1e300, "x": 0.1}}, "a/B_2.c:x=0.1,y=-1e+300", `{"kind":"a/B_2.c","x":0.1,"y":-1e+300}`},
	} {
		if got := c.s.String(); got != c.text {
			t.Errorf("text: got %s, want %s", got, c.text)
		}
		if got, err := spec.Parse(c.text); err != nil || !got.Equal(c.s) {
			t.Errorf("Parse(%q) = %+v, %v", c.text, got, err)
		}
		raw, err := json.Marshal(c.s)
		if err != nil || string(raw) != c.json {
			t.Errorf("JSON: got %s, %v, want %s", raw, err, c.json)
		}
		var got spec.Spec
		if err := json.Unmarshal([]byte(c.json), &got); err != nil || !got.Equal(c.s) {
			t.Errorf("from %s: got %+v, %v", c.json, got, err)
		}
	}
}

// Any numbers come back bit for bit, from text and from JSON.
func TestRoundTrip(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		s := spec.Spec{Kind: rapid.StringMatching(`[A-Za-z0-9_./-]{1,8}`).Draw(t, "kind"), Numbers: map[string]float64{}}
		for range rapid.IntRange(1, 4).Draw(t, "parameters") {
			name := rapid.StringMatching(`p[a-z0-9_./-]{0,4}`).Draw(t, "name")
			s.Numbers[name] = rapid.Float64().Filter(func(x float64) bool { return x-x == 0 }).Draw(t, name)
		}
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back spec.Spec
		if err := json.Unmarshal(raw, &back); err != nil || !back.Equal(s) {
			t.Fatalf("%s: got %v, %v", raw, back, err)
		}
		list, err := spec.ParseList(s.String() + ",relu," + s.String())
		if err != nil || len(list) != 3 || !list[0].Equal(s) || list[1].String() != "relu" || !list[2].Equal(s) {
			t.Fatalf("%s: got %v, %v", s, list, err)
		}
	})
}

// What Parse takes of any text, it gives back.
func TestParseAnything(t *testing.T) {
	fixedseed.Check(t, func(t *rapid.T) {
		s, err := spec.Parse(rapid.StringMatching(`[a-c]?(:|=|,|[ab]=[0-9.e+-]{1,4}|.){0,6}`).Draw(t, "text"))
		if err != nil {
			return
		}
		if back, err := spec.Parse(s.String()); err != nil || !back.Equal(s) {
			t.Fatalf("%+v came back as %+v, %v", s, back, err)
		}
	})
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "kind: got"}, {"a b", "kind: got"}, {"relu:", "want NAME=NUMBER"}, {"a:x", "want NAME=NUMBER"},
		{"a:x=", `x: got "", want a number`}, {"a:x=1,x=2", "x is given twice"}, {"a:x=NaN", "x: got NaN, want a finite number"},
		{"a:x=1e999", "want a number"}, {"a:kind=1", `got a parameter "kind"`}, {"a:é=1", `got a parameter "é"`},
	} {
		if _, err := spec.Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%q): got %v, want %s", c.text, err, c.want)
		}
	}
	for _, text := range []string{`{}`, `[]`, `"relu"`, `{"kind":1}`, `{"kind":"a","x":null}`, `{"kind":"a","x":"1"}`, `{"kind":"a b"}`, `{"kind":"a","x":1e999}`} {
		var s spec.Spec
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%s was read as %v", text, s)
		}
	}
	if _, err := json.Marshal(spec.Spec{Kind: "a", Numbers: map[string]float64{"x": math.Inf(1)}}); err == nil {
		t.Error("an infinite number was written")
	}
}

func TestFloat32(t *testing.T) {
	if got := spec.Float32(0.01); got != 0.01 {
		t.Errorf("got %v, want 0.01", got)
	}
	fixedseed.Check(t, func(t *rapid.T) {
		x := math.Float32frombits(rapid.Uint32().Draw(t, "bits"))
		if y := float32(spec.Float32(x)); y != x && x == x {
			t.Fatalf("%v came back as %v", x, y)
		}
	})
}

// scale and shift are operators with two parameters and with none.
type scale struct {
	by    float32
	shift float64
}

func (s scale) Spec() spec.Spec {
	return spec.Spec{Kind: "scale", Numbers: map[string]float64{"by": spec.Float32(s.by), "shift": s.shift}}
}

func (scale) Parameters() []spec.Parameter {
	return []spec.Parameter{{Name: "by", Min: 0, OpenMin: true, Max: 1}, {Name: "shift", Min: -2, Max: math.Inf(1), OpenMax: true}}
}

func (scale) With(numbers map[string]float64) spec.Operator {
	return scale{by: float32(numbers["by"]), shift: numbers["shift"]}
}

type plain struct{}

func (plain) Spec() spec.Spec { return spec.Spec{Kind: "plain"} }

func TestMake(t *testing.T) {
	all := []spec.Operator{plain{}, scale{by: 0.5, shift: 1}}
	for _, c := range []struct {
		text string
		want any // an operator, or part of an error
	}{
		{"plain", plain{}}, {"scale", scale{0.5, 1}}, {"scale:by=1", scale{1, 1}}, {"scale:shift=-2,by=0.25", scale{0.25, -2}},
		{"other", `unknown test "other" (choose one of plain, scale)`},
		{"plain:by=1", `test plain: unknown parameter "by" (it has none)`},
		{"scale:bye=1", `test scale: unknown parameter "bye" (choose one of by, shift)`},
		{"scale:by=0", "test scale: by: got 0, want 0 < by ≤ 1"}, {"scale:by=1.5", "by: got 1.5"},
		{"scale:by=1e-60", "by: got 0"}, // in float32
		{"scale:shift=-3", "shift: got -3, want -2 ≤ shift"},
	} {
		s, err := spec.Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := spec.Make("test", all, s)
		if want, ok := c.want.(string); ok {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, %v, want %s", c.text, got, err, want)
			}
		} else if err != nil || got != c.want {
			t.Errorf("%s: got %v, %v, want %v", c.text, got, err, c.want)
		}
	}
	if err := spec.Check(scale{by: 7}); err == nil || !strings.Contains(err.Error(), "scale: by: got 7") {
		t.Errorf("a value outside its range: %v", err)
	}
	if err := spec.Check(plain{}); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(spec.Kinds(all), spec.Usage(all)); got != "[plain scale] [plain scale[:by=0.5,shift=1]]" {
		t.Errorf("kinds and usage %s", got)
	}
}
