// Runs ONNX models: for each argument F, the model F.onnx on the samples of
// F.f32 (float32, row by row), or of F.json: for each input its name, with a
// list of texts or of numbers, where null is NaN, row by row. Prints a JSON object a model: the names of its
// input and output, and the output's shape and numbers.
'use strict';
const fs = require('fs');
const ort = require('onnxruntime-node');

async function run(path) {
  const session = await ort.InferenceSession.create(`${path}.onnx`, { intraOpNumThreads: 1 });
  if (fs.existsSync(`${path}.json`)) return table(path, session);
  const raw = fs.readFileSync(`${path}.f32`);
  const samples = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
  const [input, output] = [session.inputNames, session.outputNames];
  const columns = session.inputMetadata[0].shape[1];
  const x = new ort.Tensor('float32', samples, [samples.length / columns, columns]);
  const y = (await session.run({ [input[0]]: x }))[output[0]];
  console.log(JSON.stringify({ input, output, shape: y.dims, numbers: Array.from(y.data) }));
}

async function table(path, session) {
  const columns = JSON.parse(fs.readFileSync(`${path}.json`, 'utf8'));
  const feeds = {};
  for (const [i, name] of session.inputNames.entries()) {
    const { type, shape } = session.inputMetadata[i], data = columns[name];
    const values = { string: data, int32: Int32Array.from(data), float64: Float64Array.from(data, (v) => (v === null ? NaN : v)) }[type];
    feeds[name] = new ort.Tensor(type, values, shape.length === 1 ? [data.length] : [data.length / shape[1], shape[1]]);
  }
  const output = session.outputNames;
  const y = (await session.run(feeds))[output[0]];
  console.log(JSON.stringify({ input: session.inputNames, output, shape: y.dims, numbers: Array.from(y.data) }));
}

(async () => { for (const path of process.argv.slice(2)) await run(path); })();
