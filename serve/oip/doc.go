// Package oip is the messages and the service of the Open Inference Protocol over
// gRPC, generated from oip.proto. "go generate" makes it again where protoc is.
package oip

//go:generate env GOBIN=/tmp/dlam-protoc go install google.golang.org/protobuf/cmd/protoc-gen-go
//go:generate env GOBIN=/tmp/dlam-protoc go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
//go:generate protoc --plugin=/tmp/dlam-protoc/protoc-gen-go --plugin=/tmp/dlam-protoc/protoc-gen-go-grpc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative oip.proto
