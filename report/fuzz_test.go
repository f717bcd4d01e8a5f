package report_test

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/dlam-go/dlam/report"
	"github.com/dlam-go/dlam/trace"
)

// FuzzTrace feeds arbitrary text to the parser of traces. What it accepts is
// read back alike once written, and a page can be made of it.
func FuzzTrace(f *testing.F) {
	var b bytes.Buffer
	w := trace.NewWriter(&b)
	for _, r := range synthetic(3) {
		if err := w.Record(r); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(b.String())
	f.Add(b.String()[:b.Len()-9]) // torn
	f.Add("{}\n\n{\"iteration\":-1,\"blocks\":[{\"layer\":1e9}],\"penalty\":[]}\n")
	f.Add("{\"objective\":1e308,\"epsilon\":-1e308,\"train\":{},\"test\":null}\n{\"iteration\":9223372036854775807}\n")
	f.Add("null\n[]\n")
	f.Fuzz(func(t *testing.T, text string) {
		records, err := trace.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		w := trace.NewWriter(&b)
		for _, r := range records {
			if err := w.Record(r); err != nil {
				t.Fatalf("read, and not to be written: %v", err)
			}
		}
		again, err := trace.Read(&b)
		if err != nil || len(again) != len(records) {
			t.Fatalf("%d records written, %d read: %v", len(records), len(again), err)
		}
		for i := range again { // as JSON, which knows no difference between nothing and empty
			was, _ := json.Marshal(records[i])
			is, _ := json.Marshal(again[i])
			if !reflect.DeepEqual(was, is) {
				t.Fatalf("record %d: %s written, %s read", i, was, is)
			}
		}
		if err := report.RunPage(report.Run{Name: "x", Records: records}).WriteHTML(io.Discard); err != nil {
			t.Logf("no page: %v", err)
		}
	})
}
