// SPDX-License-Identifier: MIT
// Perfetto's own trace_processor, its WebAssembly build, from the command line:
//
//   node trace_processor.mjs ENGINE TRACE [--package FOLDER@NAME] FILE...
//
// ENGINE is the folder that tools/install-trace-processor fills. Loads TRACE, then takes each file in
// turn. Of a .sql it prints the name, how many rows its statements gave, and the rows, with tabs between
// cells; a .textproto is a trace summary spec, and the summary is printed. --package makes the .sql of
// a folder modules NAME.FILE. Ends with 1 when anything fails. What the importer found wrong with the
// trace is no failure here: it is in the table `stats`.
import {readdirSync, readFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {setFlagsFromString} from 'node:v8';

// The messages of trace_processor.proto, as far as they are needed.
const METHOD = {append: 1, finalize: 2, query: 3, register: 13, summarize: 15};
const ARGUMENT = {append: 101, query: 103, register: 108, summarize: 110};
const RESULT = {append: 201, query: 203, finalize: 212, register: 211, summarize: 214};
const CHUNK = 16 << 20;
const MEMORY_SECTION = 5;
const [VARINT, FIXED64, BYTES] = [0, 1, 2];

const concat = parts => Uint8Array.from(Buffer.concat(parts));

function varint(value) {
  const bytes = [];
  for (value = BigInt(value); value > 0x7fn; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(value)]);
}

const numberField = (field, value) => concat([varint(field << 3 | VARINT), varint(value)]);
const bytesField = (field, value) =>
  concat([varint(field << 3 | BYTES), varint(value.length), value]);

class Reader {
  constructor(bytes) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }
  varint() {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = this.bytes[this.at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  }
  double() {
    this.at += 8;
    return this.bytes.readDoubleLE(this.at - 8);
  }
  block() {
    const size = Number(this.varint());
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
  * all(read) {
    while (this.at < this.bytes.length) yield read(this);
  }
  * fields() {
    while (this.at < this.bytes.length) {
      const key = Number(this.varint());
      const kind = key & 7;
      yield [key >> 3, kind === VARINT ? this.varint() : kind === FIXED64 ? this.double() : this.block()];
    }
  }
}

// The rows of one batch of a query's result.
function batchRows(batch, columns) {
  const cells = {types: [], integers: [], reals: [], blobs: [], texts: ''};
  for (const [field, value] of new Reader(batch).fields()) {
    if (field === 1) cells.types.push(...new Reader(value).all(r => Number(r.varint())));
    if (field === 2) cells.integers.push(...new Reader(value).all(r => r.varint()));
    if (field === 3) cells.reals.push(...new Reader(value).all(r => r.double()));
    if (field === 4) cells.blobs.push(value.toString('hex'));
    if (field === 5) cells.texts += value.toString('utf8');
  }
  const texts = cells.texts.split('\0');
  const take = [null, () => null, () => cells.integers.shift(), () => cells.reals.shift(),
                () => texts.shift(), () => cells.blobs.shift()];
  const values = cells.types.map(type => take[type]());
  const rows = [];
  for (let i = 0; i < values.length; i += columns) rows.push(values.slice(i, i + columns));
  return rows;
}

// The glue expects to be a web worker: it gets what it asks of one. It tries a 64-bit memory first,
// for which the package has no module.
function startEngine(folder) {
  class FileRequest {
    open(method, url) { this.url = url; }
    send() { this.response = Uint8Array.from(readFileSync(join(folder, this.url))).buffer; }
  }
  class Module32 extends WebAssembly.Module {
    constructor(bytes) {
      if (bytes[8] === MEMORY_SECTION) throw new Error('no 64-bit memory here');
      super(bytes);
    }
  }
  const {Instance, Memory, Table, RuntimeError} = WebAssembly;
  const scope = {
    self: {location: {href: 'file:///'}}, WorkerGlobalScope: class {}, XMLHttpRequest: FileRequest,
    WebAssembly: {Module: Module32, Instance, Memory, Table, RuntimeError},
  };
  // Most of the time would go into optimising code that runs once.
  setFlagsFromString('--liftoff-only');
  const glue = readFileSync(join(folder, 'engine_bundle.node.js'), 'utf8');
  new Function(...Object.keys(scope), glue)(...Object.values(scope));
  const port = {replies: [], postMessage(bytes) { this.replies.push(bytes); }};
  scope.self.onmessage({data: port});
  return port;
}

class TraceProcessor {
  constructor(folder) {
    this.port = startEngine(folder);
    this.sequence = 0;
  }
  // Sends one request and gives the parts of its answer. The engine answers before it returns.
  call(method, argument) {
    const parts = [numberField(1, this.sequence++), numberField(2, METHOD[method])];
    if (argument) parts.push(bytesField(ARGUMENT[method], argument));
    this.port.onmessage({data: bytesField(1, concat(parts))});
    const answers = [];
    for (const [, answer] of new Reader(concat(this.port.replies.splice(0))).fields()) {
      for (const [field, value] of new Reader(answer).fields()) {
        if (field === 5) throw new Error(value.toString());
        if (field === RESULT[method]) answers.push(value);
      }
    }
    return answers;
  }
  check(answers, errorField) {
    for (const answer of answers)
      for (const [field, value] of new Reader(answer).fields())
        if (field === errorField && value.length > 0) throw new Error(value.toString());
  }
  load(trace) {
    for (let at = 0; at < trace.length; at += CHUNK)
      this.check(this.call('append', trace.subarray(at, at + CHUNK)), 2);
    this.check(this.call('finalize'), 1);
  }
  query(sql) {
    const answers = this.call('query', bytesField(1, Buffer.from(sql)));
    this.check(answers, 2);
    let columns = 0;
    const rows = [];
    for (const answer of answers) {
      for (const [field, value] of new Reader(answer).fields()) {
        if (field === 1) columns++;
        if (field === 3) rows.push(...batchRows(value, columns));
      }
    }
    return rows;
  }
  register(folder, name) {
    const parts = [bytesField(1, Buffer.from(name))];
    for (const file of readdirSync(folder).filter(f => f.endsWith('.sql'))) {
      const module = Buffer.from(`${name}.${basename(file, '.sql')}`);
      parts.push(bytesField(2, concat([bytesField(1, module),
                                       bytesField(2, readFileSync(join(folder, file)))])));
    }
    this.check(this.call('register', concat(parts)), 1);
  }
  // All metrics, and the query `attributes` as what is said of the trace, in text.
  summarize(spec) {
    const all = concat([bytesField(2, Buffer.from('attributes')), numberField(3, 1)]);
    const answers = this.call('summarize', concat([bytesField(2, spec), bytesField(3, all),
                                                   numberField(4, 1)]));
    this.check(answers, 3);
    const texts = answers.flatMap(a => [...new Reader(a).fields()].filter(([f]) => f === 2));
    return texts.map(([, text]) => text.toString()).join('');
  }
}

// The statements of a file, without its comments: a query's rows are those of its last statement.
const statements = text =>
  text.replace(/--.*$/gm, '').split(';').map(s => s.trim()).filter(s => s !== '');

function take(processor, file) {
  if (file.endsWith('.textproto')) {
    console.log(processor.summarize(readFileSync(file)));
    return;
  }
  const rows = statements(readFileSync(file, 'utf8')).flatMap(s => processor.query(s));
  console.log(basename(file, '.sql'), rows.length);
  for (const row of rows) console.log(' ', row.map(c => c === null ? 'None' : c).join('\t'));
}

async function main(folder, trace, ...files) {
  const processor = new TraceProcessor(folder);
  // The engine asks for its buffers in a later turn than the one that loads it.
  await new Promise(setImmediate);
  processor.load(readFileSync(trace));
  if (files[0] === '--package') processor.register(...files.splice(0, 2)[1].split('@'));
  for (const file of files) take(processor, file);
}

await main(...process.argv.slice(2));
