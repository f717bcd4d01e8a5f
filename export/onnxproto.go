package export

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers and enum values of onnx/onnx.proto, IR version 7 (ONNX 1.8);
// those used.
const (
	modelIRVersion   protowire.Number = 1 // int64
	modelProducer    protowire.Number = 2 // string
	modelDoc         protowire.Number = 6 // string
	modelGraph       protowire.Number = 7 // GraphProto
	modelOpset       protowire.Number = 8 // repeated OperatorSetIdProto
	modelMetadata    protowire.Number = 14
	opsetDomain      protowire.Number = 1 // none: ONNX's own
	opsetVersion     protowire.Number = 2 // int64
	entryKey         protowire.Number = 1 // StringStringEntryProto
	entryValue       protowire.Number = 2
	graphNode        protowire.Number = 1 // repeated NodeProto
	graphName        protowire.Number = 2
	graphInitializer protowire.Number = 5  // repeated TensorProto
	graphInput       protowire.Number = 11 // repeated ValueInfoProto
	graphOutput      protowire.Number = 12
	graphValue       protowire.Number = 13 // repeated ValueInfoProto
	nodeInput        protowire.Number = 1  // repeated string
	nodeOutput       protowire.Number = 2
	nodeName         protowire.Number = 3
	nodeOp           protowire.Number = 4
	nodeAttribute    protowire.Number = 5 // repeated AttributeProto
	nodeDomain       protowire.Number = 7
	attributeName    protowire.Number = 1
	attributeFloat   protowire.Number = 2
	attributeInt     protowire.Number = 3
	attributeFloats  protowire.Number = 7 // repeated float, not packed
	attributeInts    protowire.Number = 8 // repeated int64, not packed
	attributeTexts   protowire.Number = 9 // repeated bytes
	attributeType    protowire.Number = 20
	tensorDims       protowire.Number = 1 // repeated int64, not packed
	tensorType       protowire.Number = 2
	tensorName       protowire.Number = 8
	tensorRaw        protowire.Number = 9 // little-endian
	valueName        protowire.Number = 1
	valueType        protowire.Number = 2 // TypeProto
	typeTensor       protowire.Number = 1 // TypeProto.Tensor
	typeElement      protowire.Number = 1
	typeShape        protowire.Number = 2 // TensorShapeProto
	shapeDim         protowire.Number = 1 // repeated Dimension
	dimValue         protowire.Number = 1 // int64
	dimName          protowire.Number = 2 // string
	kindFloat                         = 1 // AttributeProto.FLOAT
	kindInt                           = 2 // AttributeProto.INT
	kindFloats                        = 6 // AttributeProto.FLOATS
	kindInts                          = 7 // AttributeProto.INTS
	kindTexts                         = 8 // AttributeProto.STRINGS
	elementFloat                      = 1 // TensorProto.FLOAT
	elementInt32                      = 6 // TensorProto.INT32
	elementInt64                      = 7 // TensorProto.INT64
	elementText                       = 8 // TensorProto.STRING
	elementDouble                     = 11
)

func appendInt(b []byte, n protowire.Number, v int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), uint64(v))
}

func appendString(b []byte, n protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func appendMessage(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

// attribute is an AttributeProto of type kind, its value already encoded.
func attribute(name string, kind int, value []byte) []byte {
	return append(appendInt(appendString(nil, attributeName, name), attributeType, kind), value...)
}

func intAttribute(name string, v int) []byte {
	return attribute(name, kindInt, appendInt(nil, attributeInt, v))
}

func intsAttribute(name string, vs ...int) []byte {
	var b []byte
	for _, v := range vs {
		b = appendInt(b, attributeInts, v)
	}
	return attribute(name, kindInts, b)
}

func floatAttribute(name string, v float32) []byte {
	b := protowire.AppendTag(nil, attributeFloat, protowire.Fixed32Type)
	return attribute(name, kindFloat, protowire.AppendFixed32(b, math.Float32bits(v)))
}

func floatsAttribute(name string, vs ...float32) []byte {
	var b []byte
	for _, v := range vs {
		b = protowire.AppendFixed32(protowire.AppendTag(b, attributeFloats, protowire.Fixed32Type), math.Float32bits(v))
	}
	return attribute(name, kindFloats, b)
}

// tensor is a TensorProto; no dims make it a single number.
func tensor(name string, element int, raw []byte, dims []int) []byte {
	var b []byte
	for _, d := range dims {
		b = appendInt(b, tensorDims, d)
	}
	return appendMessage(appendString(appendInt(b, tensorType, element), tensorName, name), tensorRaw, raw)
}

func rawFloats(dst []byte, vs []float32) []byte {
	for _, v := range vs {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
	}
	return dst
}

func textsAttribute(name string, texts []string) []byte {
	var b []byte
	for _, t := range texts {
		b = appendString(b, attributeTexts, t)
	}
	return attribute(name, kindTexts, b)
}

func rawDoubles(vs []float64) (raw []byte) {
	for _, v := range vs {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
	}
	return raw
}

// matrixInfo is the ValueInfoProto of a tensor with any number of rows.
func matrixInfo(name string, element int, columns ...int) []byte {
	shape := appendMessage(nil, shapeDim, appendString(nil, dimName, "N"))
	for _, n := range columns {
		shape = appendMessage(shape, shapeDim, appendInt(nil, dimValue, n))
	}
	t := appendMessage(appendInt(nil, typeElement, element), typeShape, shape)
	return appendMessage(appendString(nil, valueName, name), valueType, appendMessage(nil, typeTensor, t))
}
