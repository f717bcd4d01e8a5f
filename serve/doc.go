// Package serve answers models' predictions over the network, by the Open Inference
// Protocol, version 2, that KServe, Triton and MLServer speak. By REST:
//
//	GET  /v2                                      the server
//	GET  /v2/health/live, ready                   is it up; can it take more
//	GET  /v2/models/NAME[/versions/N]             inputs and outputs
//	GET  /v2/models/NAME[/versions/N]/ready
//	POST /v2/models/NAME[/versions/N]/infer       predictions for a batch
//	GET  /healthz                                 "ok"
//	GET  /metrics                                 numbers for Prometheus
//
// The protocol's gRPC form, gRPC's health checks and reflection are answered at the
// same address, over HTTP/2 with TLS or without.
//
// There is one input, "input", of shape [rows, features], of raw samples as dlam
// predict takes them. Outputs are "probabilities", "scores" or "values" (see
// model.Meaning), and of a classification "class", the names of the likeliest.
// Every error is {"error": "…"}.
//
// What a request takes is bounded by its own size and by Settings, and ends with
// its client. Requests of other sites' pages are refused, and so are names that
// are not this machine's while the server listens on the loopback address only.
// docs/serving.md says all of it.
package serve
