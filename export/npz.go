package export

import (
	"archive/zip"
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"codeberg.org/sbinet/npyio/npy"

	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/spec"
	"github.com/dlam-go/dlam/table"
)

// NPZ writes the model as an archive of arrays for numpy.load, with what it
// takes to predict: docs/formats.md says how. Weights are float32, a row a unit; those
// of one magnitude in each row are bits and magnitudes.
func NPZ(w io.Writer, m *model.Model) error {
	list, err := arrays(m)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, a := range list {
		f, err := z.CreateHeader(&zip.FileHeader{Name: a.name + ".npy", Method: zip.Store})
		if err != nil {
			return fmt.Errorf("NPZ: %s: %w", a.name, err)
		}
		b := bufio.NewWriterSize(f, 1<<16) // npy writes a number at a time
		if err := npy.Write(b, a.value); err != nil {
			return fmt.Errorf("NPZ: %s: %w", a.name, err)
		}
		if err := b.Flush(); err != nil {
			return fmt.Errorf("NPZ: %s: %w", a.name, err)
		}
	}
	return z.Close()
}

// array is a name and a value that npy.Write takes.
type array struct {
	name  string
	value any
}

func arrays(m *model.Model) ([]array, error) {
	if _, err := describe(m); err != nil {
		return nil, fmt.Errorf("NPZ: %w", err)
	}
	d, err := m.Describe()
	if err != nil {
		return nil, err
	}
	layers, err := texts(d.Layers)
	if err != nil {
		return nil, err
	}
	loss, err := texts([]spec.Spec{d.Loss})
	if err != nil {
		return nil, err
	}
	t := m.Transform
	list := []array{
		{"layers", layers}, {"loss", loss[0]}, {"output", string(m.Meaning())},
		{"pool", int64(t.Pool)}, {"shift", t.Shift}, {"factor", t.Factor},
	}
	if t.Columns != nil {
		columns, err := texts(t.Columns)
		if err != nil {
			return nil, err
		}
		list = append(list, array{"columns", columns}, array{"missing", slices.Concat(table.MissingTexts(), t.Missing)})
	}
	if t.Steps > 0 {
		list = append(list, array{"steps", int64(t.Steps)}, array{"sequence", t.Table.Sequence}, array{"time", t.Table.Time})
	}
	if im := t.Image; im.Width > 0 {
		list = append(list, array{"image", []int64{int64(im.Height), int64(im.Width), int64(im.Channels)}})
	}
	if m.Classes != nil {
		list = append(list, array{"classes", m.Classes})
	}
	if m.Features != nil {
		list = append(list, array{"features", m.Features})
	}
	if t.TargetFactor != nil {
		list = append(list, array{"target_shift", t.TargetShift}, array{"target_factor", each(t.TargetFactor, len(t.TargetShift))})
		if t.TargetLow != nil {
			list = append(list, array{"target_low", t.TargetLow}, array{"target_high", t.TargetHigh})
		}
	}
	for l, ly := range m.Network.Layers {
		name := func(part string) string { return fmt.Sprintf("%d.%s", l, part) }
		if sizes, ok := ly.Binary(); ok {
			list = append(list, array{name("signs"), packed(ly.W)}, array{name("magnitude"), sizes}, array{name("columns"), int64(ly.W.Cols)})
		} else {
			list = append(list, array{name("weight"), rows(ly.W)})
		}
		list = append(list, array{name("bias"), ly.B})
	}
	return list, nil
}

// texts are the values as JSON texts.
func texts[T any](values []T) ([]string, error) {
	list := make([]string, len(values))
	for i, v := range values {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		list[i] = string(text)
	}
	return list, nil
}
