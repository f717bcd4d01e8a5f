package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dlam-go/dlam/model"
)

// Model is a model under the name and version that requests call it by.
type Model struct {
	Name    string // a segment of a path
	Version int    // at least 1; requests that name no version get the highest
	*model.Model
}

// served is a model made ready.
type served struct {
	Model
	predictor *model.Predictor
	about     model.Description
	meaning   model.Meaning
	names     []string       // of the outputs
	all       []output       // the outputs, as a request that names none wants them
	columns   []string       // of a table, as requests have them
	column    map[string]int // the place of each
	quoted    [][]byte       // the classes as JSON
	longest   int            // bytes of the longest of them, with a comma
	inputs    int            // raw features, and what else columns have
	outputs   int
	width     int      // numbers that a prediction takes a row for, beside its outputs
	work      int64    // multiply-adds that a row takes
	head      []byte   // of an answer
	id        string   // name and version, for logs
	batcher   *batcher // nil for none
}

func (s *Server) ready(m Model) (*served, error) {
	if m.Name == "" || url.PathEscape(m.Name) != m.Name || m.Name == "." || m.Name == ".." {
		return nil, fmt.Errorf("name: got %q, want one that a path can hold as it is", m.Name)
	}
	if m.Version < 1 {
		return nil, fmt.Errorf("model %s: version: got %d, want at least 1", m.Name, m.Version)
	}
	about, err := m.Describe()
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", m.Name, err)
	}
	w := m.Network.Widths()
	v := &served{
		Model: m, predictor: m.Predictor(), about: about, meaning: m.Meaning(),
		inputs: m.Transform.Inputs, outputs: w[len(w)-1], width: m.Transform.Outputs(),
		id: m.Name + "@" + strconv.Itoa(m.Version),
	}
	for _, ly := range m.Network.Layers {
		v.work += int64(ly.MultiplyAdds())
	}
	v.names = []string{string(v.meaning)}
	if v.meaning != model.Values {
		v.names = append(v.names, className)
	}
	for _, name := range v.names {
		v.all = append(v.all, output{name: name})
	}
	if v.isTable() {
		v.columns, v.column = slices.Clone(m.Features), map[string]int{}
		for _, name := range []string{m.Transform.Table.Sequence, m.Transform.Table.Time} {
			if name != "" {
				v.columns = append(v.columns, name)
			}
		}
		for k, name := range v.columns {
			v.column[name] = k
		}
		v.inputs = len(v.columns)
	}
	for _, c := range m.Classes {
		quoted, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		v.quoted, v.longest = append(v.quoted, quoted), max(v.longest, len(quoted)+1)
	}
	name, err := json.Marshal(m.Name)
	if err != nil {
		return nil, err
	}
	if s.set.BatchDelay > 0 {
		v.batcher = &batcher{predict: v.predictor.Outputs, columns: v.outputs, delay: s.set.BatchDelay, most: s.set.BatchRows, size: s.metrics.batch}
	}
	v.head = fmt.Appendf(nil, `{"model_name":%s,"model_version":"%d"`, name, m.Version)
	return v, nil
}

// workBytes is the memory that a prediction of so many rows takes, beside the
// rows themselves and what the workers of all of them share.
func (v *served) workBytes(rows int) int64 {
	return 4 * int64(rows) * int64(v.outputs+v.width)
}

// catalogue is what is served: names, and of each its versions, the highest
// last.
type catalogue map[string][]*served

func (s *Server) newCatalogue(models []Model) (catalogue, error) {
	if len(models) == 0 {
		return nil, errors.New("models: got none, want at least one")
	}
	all := catalogue{}
	for _, m := range models {
		v, err := s.ready(m)
		if err != nil {
			return nil, err
		}
		for _, other := range all[m.Name] {
			if other.Version == m.Version {
				return nil, fmt.Errorf("model %s: version %d comes twice", m.Name, m.Version)
			}
		}
		all[m.Name] = append(all[m.Name], v)
	}
	for _, versions := range all {
		slices.SortFunc(versions, func(a, b *served) int { return a.Version - b.Version })
	}
	return all, nil
}

// find is the model of a name and a version; "" for the highest.
func (c catalogue) find(name, version string) (*served, error) {
	versions := c[name]
	if versions == nil {
		names := slices.Sorted(maps.Keys(c))
		const told = 5
		more := ""
		if len(names) > told {
			names, more = names[:told], fmt.Sprintf(" and %d more", len(names)-told)
		}
		for i := range names {
			names[i] = short(names[i])
		}
		return nil, failure{http.StatusNotFound, fmt.Sprintf("no model %q here, only %s%s", short(name), strings.Join(names, ", "), more)}
	}
	if version == "" {
		return versions[len(versions)-1], nil
	}
	var has []string
	for _, v := range versions {
		number := strconv.Itoa(v.Version)
		if number == version {
			return v, nil
		}
		has = append(has, number)
	}
	return nil, failure{http.StatusNotFound, fmt.Sprintf("model %s has no version %q, only %s", short(name), short(version), short(strings.Join(has, ", ")))}
}

// find is the model that a request's path names.
func (s *Server) find(r *http.Request) (*served, error) {
	return s.models.Load().find(r.PathValue("name"), r.PathValue("version"))
}
