package serve

import (
	"net/http"
	"strconv"

	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/picture"
	"github.com/dlam-go/dlam/spec"
)

// tensorInfo describes a tensor; −1 in the shape stands for any number of
// rows. Features, Classes and Image go beyond the protocol.
type tensorInfo struct {
	Name     string   `json:"name"`
	Datatype string   `json:"datatype"`
	Shape    []int    `json:"shape"`
	Features []string `json:"features,omitempty"` // names of the columns
	Classes  []string `json:"classes,omitempty"`  // names of the columns
	// Image is the picture that a row is: row by row, channels last. The file of one may
	// be sent in its place.
	Image picture.Image `json:"image,omitzero"`
}

// modelInfo describes a model. Layers and Loss go beyond the protocol: they are
// as in the model's file.
type modelInfo struct {
	Name     string        `json:"name"`
	Versions []string      `json:"versions"`
	Platform string        `json:"platform"`
	Inputs   []tensorInfo  `json:"inputs"`
	Outputs  []tensorInfo  `json:"outputs"`
	Layers   []model.Layer `json:"layers"`
	Loss     spec.Spec     `json:"loss"`
}

const (
	serverName = "dlam"
	platform   = "dlam_safetensors"
)

// extensions are those of the protocol that the server speaks.
var extensions = []string{"binary_tensor_data"}

type serverInfo struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Extensions []string `json:"extensions"`
}

func (s *Server) describeServer(w *exchange, _ *http.Request) error {
	return reply(w, serverInfo{serverName, s.set.Version, extensions})
}

// inputInfo describes what the model takes.
func (v *served) inputInfo() []tensorInfo {
	if v.isTable() {
		return v.columnInfo()
	}
	return []tensorInfo{{Name: inputName, Datatype: "FP32", Shape: []int{-1, v.inputs}, Features: v.Features, Image: v.Transform.Image}}
}

// outputInfo describes what the model gives.
func (v *served) outputInfo() []tensorInfo {
	o := []tensorInfo{{Name: string(v.meaning), Datatype: "FP32", Shape: []int{-1, v.outputs}, Classes: v.Classes}}
	if v.meaning != model.Values {
		o = append(o, tensorInfo{Name: className, Datatype: "BYTES", Shape: []int{-1}})
	}
	return o
}

// versions are those that name has.
func (c catalogue) versions(name string) []string {
	var numbers []string
	for _, v := range c[name] {
		numbers = append(numbers, strconv.Itoa(v.Version))
	}
	return numbers
}

func (s *Server) describeModel(w *exchange, r *http.Request) error {
	v, err := s.find(r)
	if err != nil {
		return err
	}
	return reply(w, modelInfo{
		Name: v.Name, Versions: s.models.Load().versions(v.Name), Platform: platform,
		Inputs: v.inputInfo(), Outputs: v.outputInfo(), Layers: v.about.Layers, Loss: v.about.Loss,
	})
}

// isReady reports whether the server should be sent requests: it was not told to
// end, and little of what requests share is taken.
func (s *Server) isReady() bool { return !s.ending.Load() && !s.room.busy() }

// serverReady answers with status 503 if the server is not: that is what those who
// divide load look at.
func (s *Server) serverReady(w *exchange, _ *http.Request) error {
	return replyReady(w, s.isReady(), map[string]any{})
}

func (s *Server) modelReady(w *exchange, r *http.Request) error {
	v, err := s.find(r)
	if err != nil {
		return err
	}
	return replyReady(w, s.isReady(), map[string]any{"name": v.Name})
}

func replyReady(w http.ResponseWriter, is bool, more map[string]any) error {
	more["ready"] = is
	if is {
		return reply(w, more)
	}
	return replyStatus(w, http.StatusServiceUnavailable, more)
}
