package serve

// request is an inference request.
type request struct {
	id      string
	hasID   bool
	input   inputTensor
	columns []inputTensor // of a table's model, in place of input
	outputs []output      // those wanted; none for all
	binary  bool          // outputs that do not say otherwise are wanted in binary
}

// output is an output that is wanted.
type output struct {
	name   string
	binary bool
	said   bool // whether binary
}

// maxOutputs bounds the outputs that a request may name; each is named once.
const maxOutputs = 8

// parseRequest reads a request from JSON. data has at most limit elements, which are put
// into room. columns is how many inputs the model has at most, if it is a table's; else 0.
func parseRequest(text []byte, limit, columns int, room []float32) (*request, error) {
	q := &request{input: inputTensor{size: -1}}
	s := &scanner{text: text, room: room}
	inputs := 0
	err := s.object("request", func(key string) (err error) {
		switch key {
		case "id":
			q.hasID = true
			q.id, err = s.str("id")
		case "parameters":
			err = s.parameters("parameters", func(key string, p parameter) error {
				if key == "binary_data_output" {
					q.binary = p.truth
					return p.wantBool(key)
				}
				return nil
			})
		case "inputs":
			err = s.list("inputs", max(2, columns), func(i int) error {
				if columns > 0 {
					inputs++
					t := inputTensor{size: -1, table: true}
					err := t.parse(s, limit)
					q.columns = append(q.columns, t)
					return err
				}
				if i > 0 {
					return badRequest("inputs: got 2 or more, want one, %q", inputName)
				}
				inputs++
				return q.input.parse(s, limit)
			})
		case "outputs":
			err = s.list("outputs", maxOutputs, func(int) error {
				o, err := parseOutput(s)
				if err != nil {
					return err
				}
				return q.want(o)
			})
		default:
			err = unknown("request", key, "id, parameters, inputs or outputs")
		}
		return err
	})
	if err == nil {
		err = s.end()
	}
	if err == nil && inputs == 0 {
		err = badRequest("inputs: got 0, want one, %q", inputName)
		if columns > 0 {
			err = badRequest("inputs: got 0, want one for each column")
		}
	}
	return q, err
}

// want adds an output, which no other names.
func (q *request) want(o output) error {
	for _, before := range q.outputs {
		if before.name == o.name {
			return badRequest("outputs: %q comes twice", short(o.name))
		}
	}
	q.outputs = append(q.outputs, o)
	return nil
}

// parameters reads parameters: read is told of each, and may leave it at that.
func (s *scanner) parameters(name string, read func(key string, p parameter) error) error {
	return s.object(name, func(key string) error {
		p, err := s.parameter(name + ": " + short(key))
		if err != nil {
			return err
		}
		return read(key, p)
	})
}

// wantBool reports a parameter that is not true or false.
func (p parameter) wantBool(key string) error {
	if !p.isBool {
		return badRequest("parameters: %s: want true or false", key)
	}
	return nil
}

func parseOutput(s *scanner) (o output, err error) {
	err = s.object("output", func(key string) (err error) {
		switch key {
		case "name":
			o.name, err = s.str("output: name")
		case "parameters":
			err = s.parameters("output: parameters", func(key string, p parameter) error {
				switch key {
				case "binary_data":
					o.binary, o.said = p.truth, true
					return p.wantBool(key)
				case "classification":
					return badRequest("output: parameters: classification is not offered: ask for the output %q", className)
				}
				return nil
			})
		default:
			err = unknown("output", key, "name or parameters")
		}
		return err
	})
	return o, err
}

func (t *inputTensor) parse(s *scanner, limit int) error {
	return s.object("input", func(key string) (err error) {
		switch key {
		case "name":
			t.name, err = s.str("input: name")
		case "datatype":
			t.datatype, err = s.str("datatype")
		case "shape":
			err = s.list("shape", maxDims, func(int) error {
				n, err := s.integer("shape")
				t.shape = append(t.shape, n)
				return err
			})
		case "parameters":
			err = s.parameters("input: parameters", func(key string, p parameter) error {
				if key == "binary_data_size" {
					if !p.isInteger {
						return badRequest("input: parameters: %s: want an integer of at least 0", key)
					}
					t.size = p.integer
				}
				return nil
			})
		case "data":
			if t.table {
				t.cells, err = s.cells(limit)
				return err
			}
			var n numbers
			n, err = s.data(limit)
			t.data = &n
		default:
			err = unknown("input", key, "name, datatype, shape, parameters or data")
		}
		return err
	})
}
