import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { MisconfiguredError, RetryableError } from '../../agent/contract/errors.ts';
import { openPost } from './post.ts';
import { judgeSocketError } from './socket-errors.ts';
import { readTls, tlsConfig } from './tls.ts';
import { errorOf, type Quote } from './verdict.ts';

/** Where a bearer token comes from; one of the three. */
export const bearerConfig = z.strictObject({
  token: z.string().min(1).meta({ secret: true }).optional(),
  tokenFile: z.string().min(1).optional().describe('Read anew for each connection, as for projected service-account tokens'),
  endpoint: z.url({ protocol: /^https?$/ }).optional().describe('OAuth 2.0 token endpoint, asked with client credentials'),
  clientId: z.string().min(1).optional(),
  clientSecret: z.string().min(1).meta({ secret: true }).optional(),
  scope: z.string().min(1).optional(),
  tls: tlsConfig.optional(),
}).refine(({ token, tokenFile, endpoint }) => [token, tokenFile, endpoint].filter(each => each !== undefined).length === 1, { error: 'give one of token, tokenFile and endpoint' })
  .refine(({ endpoint, clientId, clientSecret }) => endpoint === undefined || (clientId !== undefined && clientSecret !== undefined), { error: 'an endpoint needs clientId and clientSecret' });
export type BearerConfig = z.infer<typeof bearerConfig>;

/** RFC 6750 2.1; a token is sent in a line of its own. */
const wellFormed = /^[\w.~+/-]+=*$/;
const longestToken = 65_536;
const timeoutMs = 10_000;
/** A token is fetched anew when less than this is left of it. */
const sparedMs = 30_000;

/** Gives a token that is good now. Throws MisconfiguredError for what an operator must mend, RetryableError for the rest. */
export function bearer(config: BearerConfig, quote: Quote): () => Promise<string> {
  let kept: { readonly token: string; readonly until: number } | null = null;
  return async () => {
    if (config.token !== undefined) return checked(config.token, 'sasl.token');
    if (config.tokenFile !== undefined) return checked(await fromFile(config.tokenFile), config.tokenFile);
    if (kept === null || Date.now() > kept.until) kept = await fetchToken(config, quote);
    return kept.token;
  };
}

function checked(text: string, from: string): string {
  const token = text.trim();
  if (token.length > longestToken || !wellFormed.test(token)) throw new MisconfiguredError(`${from}: it holds no bearer token`);
  return token;
}

async function fromFile(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new MisconfiguredError(`sasl.tokenFile: ${path} cannot be read (${error.code ?? 'unknown reason'})`);
  });
}

/** RFC 6749 4.4: client credentials, authenticated by HTTP Basic. */
async function fetchToken({ endpoint = '', clientId = '', clientSecret = '', scope, tls = {} }: BearerConfig, quote: Quote): Promise<{ token: string; until: number }> {
  using client = openPost(new URL(endpoint), await readTls(tls));
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...scope === undefined ? {} : { scope } });
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64');
  const headers = { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  const asked = Date.now();
  const answer = await client.post(headers, Buffer.from(String(form)), AbortSignal.timeout(timeoutMs)).catch((error: NodeJS.ErrnoException) => {
    const verdict = judgeSocketError(error.code ?? '');
    throw verdict ? errorOf({ ...verdict, reason: `the token endpoint: ${verdict.reason}` }) : new RetryableError(`the token endpoint does not answer: ${quote(error.message)}`);
  });
  const text = new TextDecoder().decode(answer.body);
  if (answer.status >= 500 || answer.status === 429) throw new RetryableError(`the token endpoint answers with status ${answer.status}`);
  if (answer.status !== 200) throw new MisconfiguredError(`the token endpoint refuses the client credentials with status ${answer.status}: ${quote(text)}`);
  const body = reply.safeParse(parse(text));
  if (!body.success) throw new MisconfiguredError('the token endpoint answers with no bearer token: is it the right URL?');
  return { token: checked(body.data.access_token, 'the token endpoint'), until: asked + (body.data.expires_in ?? 300) * 1_000 - sparedMs };
}

const reply = z.object({ access_token: z.string().min(1), token_type: z.string().regex(/^bearer$/i), expires_in: z.number().positive().optional() });

function parse(text: string): unknown {
  try { return JSON.parse(text); } catch { return null; /* A login page is no token. */ }
}
