package dataset_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/dataset"
)

func TestReadColumn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(file, []byte("day,who,n,gap\n13.5.2024,b,2.50,1\n2.1.2023,a,1,\n3.1.2023,b,-1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for called, want := range map[string]struct {
		texts   []string
		numbers []float64
	}{
		"day": {[]string{"13.5.2024", "2.1.2023", "3.1.2023"}, []float64{1715558400, 1672617600, 1672704000}},
		"who": {[]string{"b", "a", "b"}, nil},
		"2":   {[]string{"2.5", "1", "-1"}, []float64{2.5, 1, -1}},
	} {
		texts, numbers, err := dataset.ReadColumn(context.Background(), file, called, dataset.Options{})
		if err != nil || !slices.Equal(texts, want.texts) || !slices.Equal(numbers, want.numbers) {
			t.Errorf("%s: got %q, %v, %v", called, texts, numbers, err)
		}
	}
	texts, _, err := dataset.ReadColumn(context.Background(), file, "n", dataset.Options{Limit: 2})
	if err != nil || len(texts) != 2 {
		t.Errorf("two rows: got %q, %v", texts, err)
	}
	for called, want := range map[string]string{"gap": `row 2, column "gap": the value is missing`, "no": `no column "no" (there are day, who, n, gap)`} {
		if _, _, err := dataset.ReadColumn(context.Background(), file, called, dataset.Options{NoLabel: true}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", called, err, want)
		}
	}
	if _, _, err := dataset.ReadColumn(context.Background(), file, "gap", dataset.Options{}); err == nil || !strings.Contains(err.Error(), `column "gap" is the label`) {
		t.Errorf("the label: got %v", err)
	}
	// Of sequences the value is that of all steps.
	if err := os.WriteFile(file, []byte("id,site,n,y\nb,x,1,u\na,w,2,v\nb,x,3,u\nc,x,4,v\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := dataset.Options{Sequence: "id"}
	if texts, _, err = dataset.ReadColumn(context.Background(), file, "site", o); err != nil || !slices.Equal(texts, []string{"x", "w", "x"}) {
		t.Errorf("sequences: got %q, %v", texts, err)
	}
	if _, _, err := dataset.ReadColumn(context.Background(), file, "n", o); err == nil || !strings.Contains(err.Error(), `rows 1 and 3: column "n" differs`) {
		t.Errorf("steps that differ: got %v", err)
	}
	o.Limit = 2
	if texts, _, err = dataset.ReadColumn(context.Background(), file, "site", o); err != nil || !slices.Equal(texts, []string{"x", "w"}) {
		t.Errorf("two sequences: got %q, %v", texts, err)
	}
}
