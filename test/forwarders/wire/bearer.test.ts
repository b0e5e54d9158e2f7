import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { MisconfiguredError, RetryableError } from '../../../agent/contract/errors.ts';
import { bearer, bearerConfig } from '../../../forwarders/wire/bearer.ts';
import { quoter } from '../../../forwarders/wire/verdict.ts';

const quote = quoter(['s3cret']);
async function authorityThat(t: ExecutionContext, answers: () => readonly [status: number, body: string]) {
  const asked: { readonly authorization: string | undefined; readonly form: string }[] = [];
  const server = createServer((request, response) => {
    void text(request).then(form => { asked.push({ authorization: request.headers.authorization, form }); const [status, body] = answers(); response.writeHead(status).end(body); });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => { server.close(); server.closeAllConnections(); });
  const endpoint = `http://127.0.0.1:${(server.address() as { port: number }).port}/token`;
  return { asked, config: bearerConfig.parse({ endpoint, clientId: 'mxwarden', clientSecret: 's3cret', scope: 'kafka' }) };
}

test('a token endpoint is asked with client credentials, and again only when little is left of the token', async t => {
  let seconds = 3_600;
  const { asked, config } = await authorityThat(t, () => [200, JSON.stringify({ access_token: 'abc.def', token_type: 'Bearer', expires_in: seconds })]);
  const token = bearer(config, quote);
  t.deepEqual([await token(), await token()], ['abc.def', 'abc.def']);
  t.deepEqual(asked, [{ authorization: `Basic ${Buffer.from('mxwarden:s3cret').toString('base64')}`, form: 'grant_type=client_credentials&scope=kafka' }]);
  seconds = 1;
  const short = bearer(config, quote);
  await short();
  await short();
  t.is(asked.length, 3, 'a token of one second is not kept');
});

for (const [situation, status, body, error, reason] of [
  ['refuses the credentials', 401, 'no such client s3cret', MisconfiguredError, /status 401: no such client \*\*\*/],
  ['is broken', 503, 'oops', RetryableError, /status 503/],
  ['is a login page', 200, '<html>login</html>', MisconfiguredError, /is it the right URL/],
  ['gives another kind of token', 200, '{"access_token":"a","token_type":"mac"}', MisconfiguredError, /no bearer token/],
  ['gives a token with a line break', 200, '{"access_token":"a\\r\\nb","token_type":"bearer"}', MisconfiguredError, /holds no bearer token/],
] as const) {
  test(`a token endpoint that ${situation}`, async t => {
    const { config } = await authorityThat(t, () => [status, body]);
    await t.throwsAsync(bearer(config, quote)(), { instanceOf: error as typeof RetryableError, message: reason });
  });
}

test('a token in a file is read anew each time', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'bearer-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  const token = bearer(bearerConfig.parse({ tokenFile }), quote);
  await t.throwsAsync(token(), { instanceOf: MisconfiguredError, message: /ENOENT/ });
  await writeFile(tokenFile, 'one\n');
  t.is(await token(), 'one');
  await writeFile(tokenFile, 'two\n');
  t.is(await token(), 'two');
});

test('one source of the token, and what it needs', t => {
  for (const wrong of [{}, { token: 'a', tokenFile: '/b' }, { endpoint: 'https://id.example' }, { endpoint: 'ftp://id.example', clientId: 'a', clientSecret: 'b' }]) t.throws(() => bearerConfig.parse(wrong));
});
