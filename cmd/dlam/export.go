package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/export"
	"github.com/dlam-go/dlam/internal/memory"
	"github.com/dlam-go/dlam/model"
)

// exportFlags are the files to write; "" for none.
type exportFlags struct {
	onnx, npz, source, pkg string
	force                  force
}

func newExportCommand(a *app) *cobra.Command {
	f := exportFlags{pkg: "model"}
	lim := limits{work: "exporting", advice: "write one form at a time"}
	c := &cobra.Command{
		Use: "export MODEL", Short: "Write a model for other programs", Args: cobra.ExactArgs(1),
		Long: `Write a model for other programs: as ONNX, as arrays for numpy, as Go source
that needs the standard library alone. Each takes raw features, as predict does,
and gives what predict gives; docs/formats.md says how. MODEL is a run folder or
a model file, which is itself safetensors.`,
		Example: `  dlam export runs/mnist-sync --onnx mnist.onnx --npz mnist.npz
  dlam export runs/digits-sync --go digits/model.go --package digits`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.onnx == "" && f.npz == "" && f.source == "" {
				return usagef("nothing to write: give --onnx, --npz or --go")
			}
			if cmd.Flags().Changed("package") && f.source == "" {
				return usagef("--package: goes with --go alone")
			}
			m, err := a.openModel(args[0], lim)
			if err != nil {
				return err
			}
			return a.export(cmd.Context(), m, f, lim)
		},
	}
	fl := c.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.onnx, "onnx", "", "ONNX file to write (opset 13)")
	fl.StringVar(&f.npz, "npz", "", "archive of numpy arrays to write")
	fl.StringVar(&f.source, "go", "", "Go source file to write")
	fl.StringVar(&f.pkg, "package", f.pkg, "name of the Go source's package")
	f.force.addFlag(fl)
	lim.addFlag(fl)
	return c
}

// form is a file to write.
type form struct {
	flag, path string
	mark       string
	make       func() ([]byte, error)
	peak       float64 // bytes that making it takes at a time, for each of the weights
	data       []byte
}

// export makes every form before it writes a file.
func (a *app) export(ctx context.Context, m *model.Model, f exportFlags, lim limits) error {
	npz := func() ([]byte, error) {
		var b bytes.Buffer
		err := export.NPZ(&b, m)
		return b.Bytes(), err
	}
	forms := []form{
		{flag: "--onnx", path: f.onnx, mark: markONNX, make: func() ([]byte, error) { return export.ONNX(m) }, peak: 3.5},
		{flag: "--npz", path: f.npz, mark: markNPZ, make: npz, peak: 2},
		{flag: "--go", path: f.source, mark: markGo, make: func() ([]byte, error) { return export.GoSource(m, f.pkg) }, peak: 7},
	}
	forms = slices.DeleteFunc(forms, func(f form) bool { return f.path == "" })
	weights, need := 4*float64(m.Network.Numbers()), 0.0
	for i, e := range forms {
		need = max(need, (float64(i)+e.peak)*weights) // beside those made before
	}
	if err := a.room(lim, weights, need); err != nil {
		return err
	}
	for i, e := range forms {
		data, err := e.make()
		if err != nil {
			return usagef("%s: %w", e.flag, err)
		}
		forms[i].data = data
	}
	for i, e := range forms {
		err := a.write(ctx, e.path, e.mark, f.force, func(w io.Writer) error {
			_, err := w.Write(e.data)
			return err
		})
		switch {
		case err != nil && i > 0: // not bad usage alone: files were written
			return errors.New(e.flag + ": " + err.Error())
		case err != nil:
			return fmt.Errorf("%s: %w", e.flag, err)
		}
		a.say("wrote %s (%s)", e.path, memory.Size(float64(len(e.data))))
	}
	return nil
}
