// The vendors' own clients against a key service: node kms.mjs azure|google URL KEY CIPHERTEXT_BASE64 CONTEXT
// Wraps and unwraps bytes of its own, then unwraps what the platform wrapped. Prints one line of JSON.
import { randomBytes } from 'node:crypto';

const [vendor, url, key, ciphertext, context] = process.argv.slice(2);
const own = randomBytes(64);
const out = {};
if (vendor === 'azure') {
  const { CryptographyClient } = await import('@azure/keyvault-keys');
  const credential = { getToken: async (scopes, options) => ({ token: `${[scopes].flat()[0]} for ${options.tenantId}`, expiresOnTimestamp: Date.now() + 3600_000 }) };
  const client = new CryptographyClient(`${url}/keys/${key}`, credential, { disableChallengeResourceVerification: true, serviceVersion: '7.4', retryOptions: { maxRetries: 0 } });
  const wrapped = await client.wrapKey('RSA-OAEP-256', own);
  const unwrapped = await client.unwrapKey('RSA-OAEP-256', wrapped.result);
  out.own = Buffer.from(unwrapped.result).equals(own);
  out.keyId = wrapped.keyID;
  out.platform = Buffer.from((await client.unwrapKey('RSA-OAEP-256', Buffer.from(ciphertext, 'base64'))).result).toString('base64');
} else {
  const { KeyManagementServiceClient } = await import('@google-cloud/kms');
  const { OAuth2Client } = await import('google-auth-library');
  const crc = bytes => ({ value: String((bytes.reduce((sum, byte) => {
    let next = sum ^ byte;
    for (let bit = 0; bit < 8; bit++) next = (next & 1) ? (next >>> 1) ^ 0x82f63b78 : next >>> 1;
    return next >>> 0;
  }, 0xffffffff) ^ 0xffffffff) >>> 0) });
  const authClient = Object.assign(new OAuth2Client(), { credentials: { access_token: 'ya29.test', expiry_date: Date.now() + 3600_000 } });
  const at = new URL(url);
  const client = new KeyManagementServiceClient({ fallback: true, protocol: 'http', apiEndpoint: at.hostname, port: Number(at.port), authClient });
  const additionalAuthenticatedData = Buffer.from(context);
  const sums = (name, bytes) => ({ [name]: bytes, [`${name}Crc32c`]: crc(bytes), additionalAuthenticatedData, additionalAuthenticatedDataCrc32c: crc(additionalAuthenticatedData) });
  const [encrypted] = await client.encrypt({ name: key, ...sums('plaintext', own) });
  const [decrypted] = await client.decrypt({ name: key, ...sums('ciphertext', Buffer.from(encrypted.ciphertext)) });
  out.own = Buffer.from(decrypted.plaintext).equals(own);
  out.keyId = encrypted.name;
  out.verified = encrypted.verifiedPlaintextCrc32c && encrypted.verifiedAdditionalAuthenticatedDataCrc32c;
  const [platform] = await client.decrypt({ name: key, ...sums('ciphertext', Buffer.from(ciphertext, 'base64')) });
  out.platform = Buffer.from(platform.plaintext).toString('base64');
}

console.log(JSON.stringify(out));
