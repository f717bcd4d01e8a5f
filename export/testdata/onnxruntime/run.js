// Runs ONNX models: for each argument F, the model F.onnx on the samples of
// F.f32 (float32, row by row). Prints a JSON object a model: the names of its
// input and output, and the output's shape and numbers.
'use strict';
const fs = require('fs');
const ort = require('onnxruntime-node');

async function run(path) {
  const session = await ort.InferenceSession.create(`${path}.onnx`, { intraOpNumThreads: 1 });
  const raw = fs.readFileSync(`${path}.f32`);
  const samples = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
  const [input, output] = [session.inputNames, session.outputNames];
  const columns = session.inputMetadata[0].shape[1];
  const x = new ort.Tensor('float32', samples, [samples.length / columns, columns]);
  const y = (await session.run({ [input[0]]: x }))[output[0]];
  console.log(JSON.stringify({ input, output, shape: y.dims, numbers: Array.from(y.data) }));
}

(async () => { for (const path of process.argv.slice(2)) await run(path); })();
