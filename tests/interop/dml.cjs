// Runs dml from the tests of this folder.
'use strict';
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');

// Runs a command that must end with this code; what it printed as JSON.
function dml(words, code = 0) {
  const done = spawnSync(process.env.DML, ['--output', 'json', ...words], { encoding: 'utf8' });
  assert.equal(done.status, code, `dml ${words.join(' ')}: ${done.stdout}${done.stderr}`);
  return JSON.parse(code === 0 || code === 3 ? done.stdout : done.stderr);
}

// The reason for which a command is refused.
const refused = (words, code = 2) => dml(words, code).error.reason;

// Makes NAME and NAME.pub.
const generate = (name, algorithm) =>
  dml(['key', 'generate', '--algorithm', algorithm, '--out', name]);

const readJson = (path) => JSON.parse(fs.readFileSync(path, 'utf8'));
const writeJson = (path, value) => fs.writeFileSync(path, JSON.stringify(value));

module.exports = { dml, refused, generate, readJson, writeJson };
