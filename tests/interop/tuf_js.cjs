// The repository of `dml root export-tuf`, read by tuf-js 4.1.0 over HTTP, and attacks on it
// (The Update Framework 1.0.34, section 1.5.2).
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { mock } = require('node:test');
const { Updater } = require('tuf-js');
const { dml, refused, generate, readJson } = require('./dml.cjs');

const SERVED = 'repository';
const metadata = (name) => path.join(SERVED, 'metadata', name);

// Serves the repository as files and nothing else.
const server = http.createServer((request, response) => {
  fs.readFile(path.join(SERVED, path.normalize(decodeURIComponent(request.url))), (error, bytes) => {
    response.writeHead(error ? 404 : 200).end(error ? '' : bytes);
  });
});

let clients = 0;
// A client that was given a root and nothing else, or the state of another.
function client(root, state) {
  const folder = `client-${++clients}`;
  fs.mkdirSync(path.join(folder, 'targets'), { recursive: true });
  if (state) fs.cpSync(path.join(state, 'metadata'), path.join(folder, 'metadata'), { recursive: true });
  else {
    fs.mkdirSync(path.join(folder, 'metadata'));
    fs.copyFileSync(root, path.join(folder, 'metadata', 'root.json'));
  }
  const base = `http://127.0.0.1:${server.address().port}`;
  const updater = new Updater({
    metadataDir: path.join(folder, 'metadata'), metadataBaseUrl: `${base}/metadata`,
    targetDir: path.join(folder, 'targets'), targetBaseUrl: `${base}/targets`,
    config: { fetchRetry: 0, fetchRetries: 0 },
  });
  return { folder, updater };
}

async function fetchTarget(from, name) {
  const info = await from.updater.getTargetInfo(name);
  assert.ok(info, `${name} is not offered`);
  const file = await from.updater.downloadTarget(info, path.join(from.folder, 'targets', 'fetched'));
  return fs.readFileSync(file, 'utf8');
}

// Changes a file of the repository, has a fresh client fail on it, and puts it back.
async function attack(name, file, change, expected, from = () => client('pinned.json')) {
  const before = fs.readFileSync(file);
  const changed = change(before.toString());
  assert.notEqual(changed, before.toString(), name);
  fs.writeFileSync(file, changed);
  await assert.rejects(fetchTarget(from(), 'bin/api'), expected, name);
  fs.writeFileSync(file, before);
}

function exportTuf(words, code = 0) {
  return dml(['root', 'export-tuf', ...words], code);
}

// Root 1 is pat's; root 2 wants two of pat, ann and bob, who sign one after another.
async function aCeremonyEndsInARepository(online) {
  generate('log', 'ed25519');
  for (const [name, algorithm] of [['pat', 'ed25519'], ['ann', 'ecdsa-p256'], ['bob', 'ecdsa-p256']]) {
    generate(name, algorithm);
  }
  generate('online', online);
  dml(['root', 'init', '--origin', 'library.example/dml', '--log-key', 'log.pub', '--holder', 'pat',
    '--key', 'pat.pub', '--out', 'root-1']);
  dml(['root', 'sign', 'root-1', '--key', 'pat']);
  const add = ['--role', 'root', '--holder'];
  dml(['root', 'add-key', 'root-1', '--out', 'root-2', ...add, 'ann', '--key', 'ann.pub']);
  dml(['root', 'add-key', 'root-2', ...add, 'bob', '--key', 'bob.pub', '--raw-signatures',
    '--threshold', '2']);
  for (const name of ['pat', 'bob']) dml(['root', 'sign', 'root-2', '--key', name]);

  fs.writeFileSync('api', 'version 1');
  const roots = ['root-1', 'root-2', '--out', SERVED];
  // Holders have the public half of the online key only.
  const first = exportTuf([...roots, '--key', 'online.pub', '--root-key', 'pat'], 3);
  assert.deepEqual([first.rootsSigned, first.missing.length], [false, 1]);
  const early = exportTuf([...roots, '--key', 'online', '--target', 'api=bin/api'], 3);
  assert.equal(early.version, 0);
  assert.ok(!fs.existsSync(metadata('timestamp.json')));
  assert.equal(exportTuf([...roots, '--key', 'online.pub', '--root-key', 'bob']).rootsSigned, true);
  fs.copyFileSync(metadata('1.root.json'), 'pinned.json');
  const done = exportTuf([...roots, '--key', 'online', '--target', 'api=bin/api', '--target', 'api']);
  assert.deepEqual([done.version, done.targets], [1, 2]);

  const fresh = client('pinned.json');
  assert.equal(await fetchTarget(fresh, 'bin/api'), 'version 1');
  assert.equal(await fetchTarget(fresh, 'api'), 'version 1');
  assert.equal(readJson(path.join(fresh.folder, 'metadata', 'root.json')).signed.version, 2);
  assert.equal(await fresh.updater.getTargetInfo('bin/other'), undefined);

  fs.writeFileSync('api', 'version 2');
  exportTuf([...roots, '--key', 'online', '--target', 'api=bin/api']);
  assert.equal(await fetchTarget(client(null, fresh.folder), 'bin/api'), 'version 2');
  return fresh;
}

async function attacksAreSeen(old) {
  const target = path.join(SERVED, 'targets', 'bin', fs.readdirSync(path.join(SERVED, 'targets', 'bin'))
    .find((name) => fs.readFileSync(path.join(SERVED, 'targets', 'bin', name), 'utf8') === 'version 2'));
  const edit = (change) => (text) => {
    const document = JSON.parse(text);
    change(document);
    return JSON.stringify(document);
  };
  // attack T1
  await attack('another target', target, () => 'version X', /hash/i);
  await attack('unsigned timestamp', metadata('timestamp.json'), edit((d) => { d.signatures = []; }), /sign/);
  await attack('later expiry', metadata('timestamp.json'),
    edit((d) => { d.signed.expires = '2999-01-01T00:00:00Z'; }), /sign/);
  await attack('root below its threshold', metadata('2.root.json'),
    edit((d) => { d.signatures.pop(); }), /sign/);
  // attack T2
  await attack('longer target', target, (text) => text + ' '.repeat(1000), /length/i);
  await attack('longer targets', metadata('2.targets.json'), (text) => text + ' ', /length/i);
  // attack T7
  await attack('old targets in a new snapshot', metadata('2.targets.json'),
    () => fs.readFileSync(metadata('1.targets.json'), 'utf8'), /length|hash/i);
  // attack T8
  const timestamp = fs.readFileSync(metadata('timestamp.json'));
  const current = client(null, old.folder);
  assert.equal(await fetchTarget(current, 'bin/api'), 'version 2');
  exportTuf(['root-1', 'root-2', '--out', SERVED, '--key', 'online', '--target', 'api=bin/api']);
  const newest = client(null, current.folder);
  assert.equal(await fetchTarget(newest, 'bin/api'), 'version 2');
  await attack('rollback', metadata('timestamp.json'), () => timestamp.toString(), /version/i,
    () => client(null, newest.folder));
  // attack T5
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 8 * 24 * 3600 * 1000 });
  await assert.rejects(client('pinned.json').updater.refresh(), /expired/);
  mock.timers.reset();
}

async function whatClientsHaveSeenStays() {
  const roots = ['root-1', 'root-2', '--out', SERVED];
  const target = ['--target', 'api=bin/api'];
  // Another online key under the same root version.
  generate('second', 'ed25519');
  assert.equal(refused(['root', 'export-tuf', ...roots, '--key', 'second', ...target]), 'TUF_ROOT_DIFFERS');
  // The next root brings it: clients follow, and what the old key signs is not believed.
  dml(['root', 'renew', 'root-2', '--valid-for', '30d', '--out', 'root-3']);
  for (const name of ['pat', 'ann']) {
    dml(['root', 'sign', 'root-3', '--key', name, '--previous', 'root-2']);
  }
  const fresh = client('pinned.json');
  await fresh.updater.refresh();
  exportTuf(['root-1', 'root-2', 'root-3', '--out', SERVED, '--key', 'second', '--root-key', 'pat',
    '--root-key', 'ann', ...target]);
  const next = client(null, fresh.folder);
  assert.equal(await fetchTarget(next, 'bin/api'), 'version 2');
  assert.equal(readJson(path.join(next.folder, 'metadata', 'root.json')).signed.version, 3);
}

async function binsAreFollowed(bins) {
  fs.rmSync(SERVED, { recursive: true });
  const words = ['root-1', 'root-2', '--out', SERVED, '--key', 'online', '--root-key', 'pat', '--root-key', 'bob'];
  const targets = [];
  for (let i = 0; i < 40; ++i) {
    fs.writeFileSync(`file-${i}`, `content ${i}`);
    targets.push('--target', `file-${i}=files/${i % 7}/file-${i}`);
  }
  exportTuf([...words, '--bins', String(bins), ...targets]);
  const fresh = client('pinned.json');
  for (let i = 0; i < 40; ++i) {
    assert.equal(await fetchTarget(fresh, `files/${i % 7}/file-${i}`), `content ${i}`);
  }
  assert.equal(await fresh.updater.getTargetInfo('files/0/none'), undefined);
  // attack T8: a role of the old snapshot must stay.
  assert.equal(refused(['root', 'export-tuf', ...words, ...targets]), 'TUF_ROLE_REMOVED');
  assert.equal(exportTuf([...words, '--bins', String(bins), ...targets]).version, 2);
}

// attack 12
function namesThatLeadAwayAreRefused() {
  const names = ['../x', 'a/../x', '/x', 'a//x', './x', 'a\\x', 'C:x', '%2e%2e/x', 'a%00', 'nul', 'a/COM1.txt',
    'a.', 'a b', 'a/b./c', 'ä', 'x*', 'a?b', '[a]', 'x'.repeat(191), 'x/'.repeat(600) + 'x'];
  for (const name of names) {
    const words = ['root-1', 'root-2', '--out', 'refused', '--key', 'online', '--target', `api=${name}`];
    assert.match(refused(['root', 'export-tuf', ...words]), /^(PATH_INVALID|ARGUMENT_INVALID)$/, name);
  }
  assert.ok(!fs.existsSync('refused'));
}

async function main() {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folders = ['ed25519', 'ecdsa-p256'];
  for (const online of folders) {
    fs.mkdirSync(online);
    process.chdir(online);
    const old = await aCeremonyEndsInARepository(online);
    await attacksAreSeen(old);
    await whatClientsHaveSeenStays();
    await binsAreFollowed(online === 'ed25519' ? 16 : 2);
    namesThatLeadAwayAreRefused();
    process.chdir('..');
  }
  server.close();
  server.closeAllConnections();
  console.log('tuf-js: repositories are read, attacks are seen');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
