// Package serve answers a model's predictions over HTTP, by the REST form of
// the Open Inference Protocol, version 2, that KServe, Triton and MLServer
// speak:
//
//	GET  /v2                        the server
//	GET  /v2/health/live, ready     is it up
//	GET  /v2/models/NAME            inputs and outputs
//	GET  /v2/models/NAME/ready
//	POST /v2/models/NAME/infer      predictions for a batch
//	GET  /healthz                   "ok"
//	GET  /metrics                   numbers for Prometheus
//
// Tensors are JSON; the binary extension is not spoken. There is one input,
// "input", of shape [-1, features], of raw samples as dlam predict takes them.
// Outputs are "probabilities", "scores" or "values" (see model.Meaning), and of
// a classification "class", the names of the likeliest. Every error is
// {"error": "…"}.
//
// A server holds no state that a request could change. Requests of other sites'
// pages are refused all the same, and so are names that are not this machine's
// while it listens on the loopback address only.
package serve
