// DSSE envelopes between dml and @sigstore/verify with @sigstore/bundle: each verifies the other's,
// with a public key and without Fulcio and Rekor.
'use strict';
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { bundleFromJSON, envelopeToJSON, toDSSEBundle } = require('@sigstore/bundle');
const { dsse } = require('@sigstore/core');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');
const { dml, generate, readJson, writeJson } = require('./dml.cjs');

const TYPE = 'https://slsa.dev/provenance/v1';
const STATEMENT = 'application/vnd.in-toto+json';
const HINT = 'the-key';
const NO_AUTHORITIES = {
  certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [],
};

// Throws where the first signature of the envelope is not one of the key.
function sigstoreVerify(envelope, publicPem) {
  const bundle = bundleFromJSON({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: HINT }, tlogEntries: [] },
    dsseEnvelope: envelope,
  });
  const rawBytes = crypto.createPublicKey(publicPem).export({ type: 'spki', format: 'der' });
  const trust = toTrustMaterial(NO_AUTHORITIES, { [HINT]: { rawBytes } });
  const none = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 };
  new Verifier(trust, none).verify(toSignedEntity(bundle));
}

function withPayload(envelope, change) {
  const payload = Buffer.from(envelope.payload, 'base64').toString();
  return { ...envelope, payload: Buffer.from(change(payload)).toString('base64') };
}

function ourEnvelopesVerifyThere(algorithm) {
  generate(`ours-${algorithm}`, algorithm);
  const publicPem = fs.readFileSync(`ours-${algorithm}.pub`, 'utf8');
  fs.writeFileSync('artifact', `made by ${algorithm}`);
  writeJson('predicate', { buildType: 'https://example.com/build', 'größe': '1/2 \u{1F511}' });
  dml(['attest', 'sign', '--type', TYPE, '--subject', 'artifact', '--predicate', 'predicate',
    '--key', `ours-${algorithm}`, '--out', 'ours.json']);
  const envelope = readJson('ours.json');
  sigstoreVerify(envelope, publicPem);

  const statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString());
  assert.equal(statement.predicateType, TYPE);
  assert.deepEqual(statement.predicate, readJson('predicate'));
  const digest = crypto.createHash('sha256').update(`made by ${algorithm}`).digest('hex');
  assert.deepEqual(statement.subject, [{ name: 'artifact', digest: { sha256: digest } }]);

  const another = crypto.generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
  assert.throws(() => sigstoreVerify(envelope, another));
  assert.throws(() => sigstoreVerify({ ...envelope, payloadType: 'text/plain' }, publicPem));
  assert.throws(() => sigstoreVerify(withPayload(envelope, (text) => text + ' '), publicPem));
}

function ourTrustRootVerifiesThere(algorithm) {
  generate('log', 'ed25519');
  generate('holder', algorithm);
  dml(['root', 'init', '--origin', 'library.example/dml', '--log-key', 'log.pub', '--holder', 'pat',
    '--key', 'holder.pub', '--out', 'root']);
  dml(['root', 'sign', 'root', '--key', 'holder']);
  const envelope = readJson('root');
  assert.equal(envelope.payloadType, 'application/vnd.dml.root.v1+json');
  sigstoreVerify(envelope, fs.readFileSync('holder.pub', 'utf8'));
  for (const file of ['log', 'log.pub', 'holder', 'holder.pub', 'root']) fs.rmSync(file);
}

function theirEnvelopesVerifyHere(algorithm) {
  const { publicKey, privateKey } = algorithm === 'ed25519'
    ? crypto.generateKeyPairSync('ed25519')
    : crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  fs.writeFileSync('theirs.pub', publicKey.export({ type: 'spki', format: 'pem' }));
  const digest = crypto.createHash('sha256').update('theirs').digest('hex');
  const artifact = Buffer.from(JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'a', digest: { sha256: digest, sha512: '00' } }],
    predicateType: TYPE,
    predicate: { more: [1, 2.5, null] },
  }));
  const envelope = (artifactType) => {
    const signed = dsse.preAuthEncoding(artifactType, artifact);
    const signature = crypto.sign(algorithm === 'ed25519' ? null : 'sha256', signed, privateKey);
    const bundle = toDSSEBundle({ artifact, artifactType, signature, keyHint: HINT });
    return envelopeToJSON(bundle.content.dsseEnvelope);
  };
  const verify = (value, code, words = []) => {
    writeJson('theirs.json', value);
    return dml(['attest', 'verify', 'theirs.json', '--key', 'theirs.pub', ...words], code);
  };
  const good = envelope(STATEMENT);
  const verified = verify(good, 0, ['--subject', `sha256:${digest}`, '--type', TYPE]);
  assert.equal(verified.verified, true);
  assert.deepEqual(verified.predicate, { more: [1, 2.5, null] });

  assert.equal(verify(withPayload(good, (text) => text + ' '), 3).reason, 'SIGNATURE_MISSING');
  assert.equal(verify({ ...good, payloadType: 'text/plain' }, 3).reason, 'PAYLOAD_TYPE_UNEXPECTED');
  assert.equal(verify(envelope('text/plain'), 3).reason, 'PAYLOAD_TYPE_UNEXPECTED');
  assert.equal(verify({ ...envelope('text/plain'), payloadType: STATEMENT }, 3).reason,
    'SIGNATURE_MISSING');
  assert.equal(verify(good, 3, ['--type', 'https://spdx.dev/Document']).reason,
    'ATTESTATION_NOT_VERIFIED');
  assert.equal(verify(good, 3, ['--subject', `sha256:${'0'.repeat(64)}`]).reason,
    'ATTESTATION_NOT_VERIFIED');
}

for (const algorithm of ['ed25519', 'ecdsa-p256']) {
  ourEnvelopesVerifyThere(algorithm);
  ourTrustRootVerifiesThere(algorithm);
  theirEnvelopesVerifyHere(algorithm);
}
console.log('sigstore: envelopes verify in both directions');
