package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// refuseEmpty refuses arguments and flags that are given and empty, as a variable of a
// shell is that was never set: what they ask for would be passed over. Settings refuse
// that themselves, and an empty text is right where a flag's help writes one.
func refuseEmpty(c *cobra.Command, args []string) error {
	if c.DisableFlagParsing { // the last word that a shell asks to complete is often empty
		return nil
	}
	if i := slices.Index(args, ""); i >= 0 {
		return usagef("argument %d is empty, want %s", i+1, c.UseLine())
	}
	var faults []error
	c.Flags().Visit(func(f *pflag.Flag) {
		if empty(f.Value) && !strings.Contains(f.Usage, `""`) {
			faults = append(faults, fmt.Errorf(`--%s: got "", want a value: %s`, f.Name, f.Usage))
		}
	})
	if faults == nil {
		return nil
	}
	return errUsage{errors.Join(faults...)}
}

// empty reports whether a flag that was given is an empty text, or a list with one in it.
func empty(v pflag.Value) bool {
	if list, ok := v.(pflag.SliceValue); ok {
		texts := list.GetSlice()
		return len(texts) == 0 || slices.Contains(texts, "")
	}
	return v.Type() == "string" && v.String() == ""
}
