package recipe

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// textHead is the first line of a run's config.toml.
const textHead = "# Repeat this run with: dlam train --config FILE\n"

// Text is c as config.toml has it: the settings that are of no method, and those
// of the method that are given.
func (c *Config) Text() (string, error) { return c.text(nil) }

// text is the settings as a file, but for those to leave out: all that are of no
// method, and those of the method that are given. reads are what the method reads;
// of those that follow from the data a comment tells the value in use.
func (c *Config) text(reads []Read, leave ...string) (string, error) {
	var b strings.Builder
	b.WriteString(textHead)
	group := Group("")
	for _, e := range c.Entries() {
		if slices.Contains(leave, e.Name) || e.Group == OfMethod && e.Get() == nil {
			continue
		}
		if e.Group != group {
			group = e.Group
			fmt.Fprintf(&b, "\n# %s\n", group)
		}
		v := e.Get()
		if v == nil {
			v = e.zero()
		}
		line, err := line(e.Name, v)
		if err != nil {
			return "", err
		}
		b.WriteString(line)
	}
	var suits []string
	for _, r := range reads {
		if e, ok := c.Entry(r.Name); ok && e.Get() == nil && r.Value != nil {
			line, err := line(r.Name, r.Value)
			if err != nil {
				return "", err
			}
			suits = append(suits, "# "+line)
		}
	}
	if len(suits) > 0 {
		fmt.Fprintf(&b, "\n# what suited the method and the data, and is chosen anew if this run is repeated\n%s", strings.Join(suits, ""))
	}
	if _, _, _, err := decode(b.String()); err != nil { // a name that is no text
		return "", refusef("these settings cannot be written to a file and read back: %w", err)
	}
	return b.String(), nil
}

// line is a setting as a line of a file.
func line(name string, v any) (string, error) {
	switch x := v.(type) {
	case uint64:
		if x > math.MaxInt64 { // no integer of TOML
			v = fmt.Sprint(x)
		}
	case bool, int, float64, []int, string:
	default:
		v = textOf(x)
	}
	var b bytes.Buffer
	t := toml.NewEncoder(&b)
	t.Indent = ""
	err := t.Encode(map[string]any{name: v})
	return b.String(), err
}

// decode reads the entries of a file: its keys, and what their values are as
// text. The method's settings may be in a table "methods", where files of an
// earlier form have some of them; old says that there is one.
func decode(text string) (names []string, values map[string]string, old bool, err error) {
	fields := map[string]any{}
	meta, err := toml.Decode(text, &fields)
	if err != nil {
		return nil, nil, false, err
	}
	values = map[string]string{}
	for _, key := range meta.Keys() { // in the file's order
		name := key.String()
		if name == "methods" {
			old = true
			continue
		}
		name = strings.TrimPrefix(name, "methods.")
		v, err := fieldText(fields, key)
		if err != nil {
			return nil, nil, false, fmt.Errorf("%s: %w", name, err)
		}
		names, values[name] = append(names, name), v
	}
	return names, values, old, nil
}

// fieldText is the text of a value as Entry.Set reads it.
func fieldText(fields map[string]any, key toml.Key) (string, error) {
	var v any = fields
	for _, k := range key {
		m, ok := v.(map[string]any)
		if !ok {
			return "", fmt.Errorf("got %v, want a value", v)
		}
		v = m[k]
	}
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprint(v), nil
	}
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = fmt.Sprint(x)
	}
	return strings.Join(parts, ","), nil
}

// Load reads the settings of a file's text into c, but for those that given says
// are given otherwise; nil for none. It returns what it did not take, in words, of
// files that other versions have written and where another method is given.
func (c *Config) Load(text string, given func(name string) bool) (notes []string, err error) {
	if given == nil {
		given = func(string) bool { return false }
	}
	names, values, old, err := decode(text)
	if err != nil {
		return nil, refuse(err)
	}
	for _, name := range names {
		e, ok := c.Entry(name)
		switch {
		case !ok:
			return nil, refusef("unknown setting %q", name)
		case given(name):
		case old && values[name] == earlier[name]:
			e.Clear()
		default:
			if err := e.Set(values[name]); err != nil {
				return nil, refusef("%s: %w", name, err)
			}
		}
	}
	if !old && !given("solver") {
		return nil, nil
	}
	return c.drop(names, given, old), nil
}

// drop clears the settings, read under these names, that the method does not
// read.
func (c *Config) drop(names []string, given func(string) bool, old bool) (notes []string) {
	m, err := Find(c.Options.Method)
	if err != nil {
		return nil // Validate says so
	}
	reads := m.Reads(&c.Options)
	for _, name := range names {
		e, _ := c.Entry(name)
		if given(name) || e.Get() == nil || Readers(name) == nil {
			continue
		}
		r, ok := find(reads, name)
		if ok && r.Needs == "" && (!old || !unread(m.Name, name)) {
			continue
		}
		notes = append(notes, fmt.Sprintf("%s = %s: %s does not read it", name, e.Text(), m.Name))
		e.Clear()
	}
	return notes
}

// earlier is the settings that earlier versions wrote for every method, each as
// they wrote it where nothing was said.
var earlier = map[string]string{
	"rho": "0.0001", "epsilon": "10", "epsilon-rule": "adaptive", "line-search": "exact", "output-solver": "omega",
	"alpha0": "0.001", "gamma": "2", "eta": "2", "mode": "gradient", "schedule": "constant",
}

// unread reports whether the method called method read a setting in no earlier
// version, whatever was said.
func unread(method, name string) bool {
	switch name {
	case "rho", "gamma":
		return method != "dlam" && method != "mdlam"
	}
	return false
}
