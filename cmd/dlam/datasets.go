package main

import (
	"context"
	"os"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/dlam-go/dlam/dataset"
	"github.com/dlam-go/dlam/recipe"
)

func newDataCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "data", Short: "List, fetch and look at data sets", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	src, lim := &recipe.Source{DataDir: os.Getenv("DLAM_DATA_DIR")}, limits{work: "reading", advice: "look at fewer samples"}
	list := &cobra.Command{Use: "list", Short: "List the named data sets and where they lie", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.dataList(src) }}
	get := &cobra.Command{Use: "get NAME…", Short: "Download named data sets", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.dataGet(cmd.Context(), src, args) }}
	info := &cobra.Command{Use: "info DATA", Short: "Show what is in a data set", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			src.Data = args[0]
			return a.dataInfo(cmd.Context(), src, lim)
		}}
	c.PersistentFlags().StringVar(&src.DataDir, "data-dir", src.DataDir, "where named data sets lie (default $DLAM_DATA_DIR)")
	c.PersistentFlags().BoolVar(&src.Offline, "offline", false, "never download")
	addTable(info.Flags(), src)
	addColumns(info.Flags(), src)
	lim.addFlag(info.Flags())
	c.AddCommand(list, get, info)
	return c
}

func (a *app) dataList(s *recipe.Source) error {
	w := newTable(a.out)
	w.AppendHeader(table.Row{"name", "where"})
	for _, name := range dataset.Names {
		where := "in this program"
		if name != "digits" {
			if where = dataset.Located(name, s.Reading()); where == "" {
				where = "not here: dlam data get " + name
			}
		}
		w.AppendRow(table.Row{name, where})
	}
	w.Render()
	return nil
}

func (a *app) dataGet(ctx context.Context, s *recipe.Source, names []string) error {
	s.Progress = a.follow(ctx)
	for _, name := range names {
		if _, err := dataset.Open(ctx, name, s.Reading()); err != nil {
			return err
		}
		a.say("%s: %s", name, dataset.Located(name, s.Reading()))
	}
	return nil
}

func (a *app) dataInfo(ctx context.Context, src *recipe.Source, lim limits) error {
	src.MaxMemory = float64(lim.most)
	s, err := a.read(ctx, src, src.Data, src.Reading(), lim)
	if err != nil {
		return err
	}
	a.showColumns(s.Train.Taken)
	w := newTable(a.out)
	w.AppendHeader(table.Row{"part", "samples", "features", "min", "mean", "max", "constant features", "classes"})
	for _, part := range []struct {
		name string
		d    dataset.Dataset
	}{{"train", s.Train}, {"test", s.Test}} {
		if part.d.Rows() == 0 {
			continue
		}
		m := part.d.Summarize()
		w.AppendRow(table.Row{part.name, m.Rows, m.Features, float32(m.Min), float32(m.Mean), float32(m.Max), m.Constant, classCounts(part.d, m)})
	}
	w.Render()
	return nil
}

func classCounts(d dataset.Dataset, s dataset.Summary) string {
	if d.Class == nil {
		return "none (values)"
	}
	text := ""
	for i, n := range s.Counts {
		if i == 12 {
			return text + "…"
		}
		text += d.Classes[i] + ":" + strconv.Itoa(n) + " "
	}
	return text
}
