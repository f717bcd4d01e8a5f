package serve

// request is an inference request.
type request struct {
	id      string
	hasID   bool
	input   inputTensor
	outputs []string // the names of those wanted; none for all
}

// maxOutputs bounds the outputs that a request may name; each is named once.
const maxOutputs = 8

// parseRequest reads a request from JSON. data has at most limit elements.
func parseRequest(text []byte, limit int) (*request, error) {
	q := &request{}
	s := &scanner{text: text}
	inputs := 0
	err := s.object("request", func(key string) (err error) {
		switch key {
		case "id":
			q.hasID = true
			q.id, err = s.str("id")
		case "parameters":
			err = s.parameters("parameters")
		case "inputs":
			err = s.list("inputs", 2, func(i int) error {
				if i > 0 {
					return badRequest("inputs: got 2 or more, want one, %q", inputName)
				}
				inputs++
				return q.input.parse(s, limit)
			})
		case "outputs":
			err = s.list("outputs", maxOutputs, func(int) error {
				name, err := q.parseOutput(s)
				if err != nil {
					return err
				}
				for _, before := range q.outputs {
					if before == name {
						return badRequest("outputs: %q comes twice", short(name))
					}
				}
				q.outputs = append(q.outputs, name)
				return nil
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
	}
	return q, err
}

// parameters reads parameters that nothing is done by.
func (s *scanner) parameters(name string) error {
	return s.object(name, func(key string) error {
		_, err := s.parameter(name + ": " + short(key))
		return err
	})
}

func (q *request) parseOutput(s *scanner) (name string, err error) {
	err = s.object("output", func(key string) (err error) {
		switch key {
		case "name":
			name, err = s.str("output: name")
		case "parameters":
			err = s.parameters("output: parameters")
		default:
			err = unknown("output", key, "name or parameters")
		}
		return err
	})
	return name, err
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
			err = s.parameters("input: parameters")
		case "data":
			var n numbers
			n, err = s.data(limit)
			t.data = &n
		default:
			err = unknown("input", key, "name, datatype, shape, parameters or data")
		}
		return err
	})
}
