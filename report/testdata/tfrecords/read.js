// Prints the payload of each record of a TFRecord file, in hexadecimal, with
// lengths and checksums read by @roboflow/tfrecords.
'use strict';
const { crc32c, maskCrc, readInt64 } = require('@roboflow/tfrecords/src/tensorFlowHelpers.js');
const file = require('fs').readFileSync(process.argv[2]);
for (let at = 0; at < file.length;) {
  const head = file.subarray(at, at + 8), n = readInt64(head);
  const data = file.subarray(at + 12, at + 12 + n);
  if (maskCrc(crc32c(head)) !== file.readUInt32LE(at + 8)) throw new Error(`length checksum at byte ${at}`);
  if (maskCrc(crc32c(data)) !== file.readUInt32LE(at + 12 + n)) throw new Error(`data checksum at byte ${at}`);
  console.log(data.toString('hex'));
  at += 16 + n;
}
