// SPDX-License-Identifier: MIT
// Opens traces in viewers, in Chromium without a screen, and prints what their models hold:
//
//   node viewer.mjs FOLDER tracing FILE.json [PICTURE.png]
//   node viewer.mjs FOLDER perfetto LINK [PICTURE.png]
//
// FOLDER is what tools/install-viewer fills. `tracing` is the viewer of chrome://tracing; `perfetto` is
// Perfetto's of 2021, which fetches LINK as ui.perfetto.dev does. No request leaves the machine. The
// output is one object of JSON; the picture is what the viewer draws.
import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {extname, join} from 'node:path';

const ORIGIN = 'https://ui.perfetto.dev/';
const TYPES = {'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css',
               '.wasm': 'application/wasm'};
const SECONDS = 300; // no more than this, whatever hangs

// Chromium, spoken to over a pipe: its DevTools protocol, messages with a zero behind each.
class Browser {
  constructor() {
    this.profile = mkdtempSync(join(tmpdir(), 'viewer-'));
    this.process = spawn(process.env.CHROMIUM ?? 'chromium-headless-shell', [
      '--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe',
      '--no-first-run', '--disable-background-networking', '--window-size=1600,2000',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      `--user-data-dir=${this.profile}`, 'about:blank',
    ], {stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']});
    this.ended = new Promise(resolve => this.process.on('close', resolve));
    this.process.on('error', error => fail(error.message));
    process.on('exit', () => {
      this.process.kill('SIGKILL');
      rmSync(this.profile, {recursive: true, force: true, maxRetries: 5});
    });
    this.count = 0;
    this.answers = new Map();
    let rest = '';
    this.process.stdio[4].setEncoding('utf8').on('data', text => {
      const messages = (rest + text).split('\0');
      rest = messages.pop();
      messages.forEach(message => this.take(JSON.parse(message)));
    });
  }
  take({id, method, params, result, error}) {
    if (method === 'Fetch.requestPaused') this.serve(params);
    if (method === 'Page.loadEventFired') this.loaded();
    if (id === undefined) return;
    const [resolve, reject] = this.answers.get(id);
    this.answers.delete(id);
    error ? reject(new Error(error.message)) : resolve(result);
  }
  call(method, params = {}) {
    const id = ++this.count;
    this.process.stdio[3].write(
      JSON.stringify({id, method, params, sessionId: this.session}) + '\0');
    return new Promise((resolve, reject) => this.answers.set(id, [resolve, reject]));
  }
  // A page that finds these files, by name, at ORIGIN, and nothing else there.
  async open(files, name) {
    this.files = files;
    const {targetId} = await this.call('Target.createTarget', {url: 'about:blank'});
    this.session = (await this.call('Target.attachToTarget', {targetId, flatten: true})).sessionId;
    await this.call('Fetch.enable', {patterns: [{urlPattern: `${ORIGIN}*`}]});
    await this.call('Page.enable');
    const loading = new Promise(resolve => this.loaded = resolve);
    this.call('Page.navigate', {url: ORIGIN + name}).catch(error => fail(error.message));
    await loading; // an answer can get lost when the page changes
  }
  serve({requestId, request}) {
    const name = new URL(request.url).pathname.slice(1);
    const body = this.files(name);
    const answer = {requestId, responseCode: body ? 200 : 404};
    if (body) {
      const value = TYPES[extname(name)] ?? 'text/plain';
      answer.responseHeaders = [{name: 'Content-Type', value}];
      answer.body = Buffer.from(body).toString('base64');
    }
    this.call('Fetch.fulfillRequest', answer).catch(() => {}); // the page may be gone
  }
  async run(expression) {
    const {result, exceptionDetails} = await this.call(
      'Runtime.evaluate', {expression, returnByValue: true, awaitPromise: true});
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description);
    return result.value;
  }
  async until(expression) {
    while (!await this.run(expression).catch(() => false))
      await new Promise(resolve => setTimeout(resolve, 50));
  }
  async picture(path) {
    const {data} = await this.call('Page.captureScreenshot');
    writeFileSync(path, Buffer.from(data, 'base64'));
  }
  async close() {
    this.session = undefined;
    this.call('Browser.close').catch(() => {});
    const limit = setTimeout(() => this.process.kill('SIGKILL'), 5000);
    await this.ended;
    clearTimeout(limit);
  }
}

function read(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function fail(why) {
  console.error(`viewer: ${why}`);
  process.exit(1);
}

// Runs in the page of chrome://tracing.
function tracingModel() {
  const {model} = document.querySelector('x-profiling-view').timelineView_;
  const slice = s => ({title: s.title, category: s.category, start: s.start, duration: s.duration,
                       args: s.args});
  return {
    warnings: model.importWarnings.map(warning => warning.message),
    bounds: [model.bounds.min, model.bounds.max],
    processes: model.getAllProcesses().sort((a, b) => a.compareTo(b)).map(process => ({
      pid: process.pid,
      name: process.name,
      counters: Object.values(process.counters).map(counter => ({
        name: counter.name,
        series: counter.series.map(series => ({
          name: series.name,
          samples: series.samples.map(sample => [sample.timestamp, sample.value]),
        })),
      })),
      instants: process.instantEvents.map(slice),
      threads: Object.values(process.threads).map(thread => ({
        tid: thread.tid,
        name: thread.name,
        slices: thread.sliceGroup.slices.map(slice),
        rows: thread.asyncSliceGroup.slices.map(
          row => ({...slice(row), slices: row.subSlices.map(
            inner => ({...slice(inner), steps: inner.subSlices.map(slice)}))})),
      })),
    })),
  };
}

async function showTracing(browser, folder, path) {
  const trace = readFileSync(path);
  await browser.open(name => name === 'trace' ? trace : read(join(folder, 'assets', name)),
                     'catapult_trace_viewer.html');
  await browser.until(`!!document.querySelector('x-profiling-view')?.setActiveTrace`);
  await browser.run(`fetch('trace').then(answer => answer.text()).then(
    text => document.querySelector('x-profiling-view').setActiveTrace('trace.json', text))`);
  await browser.until(`!!document.querySelector('x-profiling-view').timelineView_?.model`);
  return browser.run(`(${tracingModel})()`);
}

// Runs in Perfetto's page.
function perfettoModel() {
  const {tracks, trackGroups} = globals.state;
  return {
    seconds: globals.state.traceTime.endSec - globals.state.traceTime.startSec,
    tracks: Object.values(tracks).map(track => [
      trackGroups[track.trackGroup]?.name ?? '', track.kind, track.name]),
  };
}

async function showPerfetto(browser, folder, link) {
  const page = '<!doctype html><main id="timeline_main"></main>' +
    `<div id="timeline_data_source" hidden>${link}</div><script src="frontend_bundle.js"></script>`;
  // What a person is asked: whether the page may reach this machine. Older ones do not ask.
  await browser.call('Browser.grantPermissions', {permissions: ['loopbackNetwork']})
    .catch(() => {});
  await browser.open(name => name === 'page.html' ? page : read(join(folder, name)), 'page.html');
  await browser.until(`Object.keys(globals.state.tracks).length > 0`);
  return browser.run(`(${perfettoModel})()`);
}

const [folder, viewer, what, picture] = process.argv.slice(2);
const show = {tracing: showTracing, perfetto: showPerfetto}[viewer];
if (!show || !what) fail('FOLDER tracing|perfetto FILE|LINK [PICTURE]');
const browser = new Browser();
const limit = setTimeout(() => fail(`nothing within ${SECONDS} s`), SECONDS * 1000);
try {
  const model = await show(browser, folder, what);
  if (picture) await browser.picture(picture);
  await browser.close();
  clearTimeout(limit);
  console.log(JSON.stringify(model));
} catch (error) {
  fail(error.message);
}
