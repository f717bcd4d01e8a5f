package serve

import (
	"fmt"
	"net/http"

	"github.com/dlam-go/dlam/model"
	"github.com/dlam-go/dlam/spec"
)

// tensorInfo describes a tensor; −1 in the shape stands for any number of
// rows. Features and Classes go beyond the protocol.
type tensorInfo struct {
	Name     string   `json:"name"`
	Datatype string   `json:"datatype"`
	Shape    []int    `json:"shape"`
	Features []string `json:"features,omitempty"` // names of the columns
	Classes  []string `json:"classes,omitempty"`  // names of the columns
}

// modelInfo describes a model. Layers and Loss go beyond the protocol: they are
// as in the model's file.
type modelInfo struct {
	Name     string        `json:"name"`
	Platform string        `json:"platform"`
	Inputs   []tensorInfo  `json:"inputs"`
	Outputs  []tensorInfo  `json:"outputs"`
	Layers   []model.Layer `json:"layers"`
	Loss     spec.Spec     `json:"loss"`
}

type serverInfo struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Extensions []string `json:"extensions"`
}

func (s *Server) describeServer(*http.Request) (any, error) {
	return serverInfo{"dlam", s.set.Version, []string{}}, nil
}

// known reports a request for another model.
func (s *Server) known(r *http.Request) error {
	if name := r.PathValue("name"); name != s.set.Name {
		return failure{http.StatusNotFound, fmt.Sprintf("no model %q here, only %q", name, s.set.Name)}
	}
	return nil
}

func (s *Server) describeModel(r *http.Request) (any, error) {
	if err := s.known(r); err != nil {
		return nil, err
	}
	w := s.m.Network.Widths()
	info := modelInfo{
		Name: s.set.Name, Platform: "dlam_safetensors",
		Inputs:  []tensorInfo{{Name: inputName, Datatype: "FP32", Shape: []int{-1, s.m.Transform.Inputs}, Features: s.m.Features}},
		Outputs: []tensorInfo{{Name: string(s.meaning), Datatype: "FP32", Shape: []int{-1, w[len(w)-1]}, Classes: s.m.Classes}},
		Layers:  s.about.Layers, Loss: s.about.Loss,
	}
	if s.meaning != model.Values {
		info.Outputs = append(info.Outputs, tensorInfo{Name: className, Datatype: "BYTES", Shape: []int{-1}})
	}
	return info, nil
}

func (s *Server) modelReady(r *http.Request) (any, error) {
	if err := s.known(r); err != nil {
		return nil, err
	}
	return map[string]any{"name": s.set.Name, "ready": true}, nil
}
