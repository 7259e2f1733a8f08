// The command line's side of the control routes.
import { resolve } from 'node:path';
import { Failure } from '../../../base/index.ts';
import { defaultCredentialsFile, readCredentialsFile, type CloudCredentials } from '../../../cloud/index.ts';
import type { Io } from '../../command.ts';
import { cloudVerbFailure } from './failures.ts';

export type Values = Readonly<Record<string, unknown>>;

/** The credentials that the verb's options mean. @throws Failure `credentials-missing` and the like. */
export function credentialsOf(io: Io, values: Values): CloudCredentials {
  const { credentialsFile, state } = values;
  if (typeof credentialsFile === 'string') return readCredentialsFile(resolve(io.cwd, credentialsFile));
  return readCredentialsFile(
    defaultCredentialsFile(io.env, typeof state === 'string' ? resolve(io.cwd, state) : undefined),
  );
}

/**
 * One control request; resolves with the parsed answer.
 * @throws Failure `cloud-not-running`, `control-answer`, or the one that the route answered.
 */
export async function control<Answer>(
  io: Io,
  values: Values,
  method: string,
  route: string,
  body?: object,
): Promise<Answer> {
  const { endpoint, controlToken } = credentialsOf(io, values);
  const { status, text } = await send(`${endpoint}/_stint/${route}`, method, controlToken, body);
  const answer = parse(text);
  if (status === 200) return answer as Answer;
  const { error } = answer as { error?: { code: string; message: string; hint?: string } };
  if (typeof error?.code !== 'string') throw notOurs(endpoint);
  throw new Failure(error.code, error.message, { hint: error.hint, status });

  function parse(json: string): object {
    try {
      const value: unknown = JSON.parse(json);
      if (typeof value === 'object' && value !== null) return value;
    } catch {
      // Falls through: text that is no JSON is not from a control route.
    }
    throw notOurs(endpoint);
  }
}

function notOurs(endpoint: string): Failure {
  return cloudVerbFailure(
    'control-answer',
    `what answers at \`${endpoint}\` is not the embedded AWS of the credentials file`,
    {
      hint: 'another program has taken the port; start the embedded AWS again, or name the right `--credentials-file`',
    },
  );
}

// Node's own client, because `fetch` costs 60 ms of a command that takes 60.
function send(
  url: string,
  method: string,
  token: string,
  body: object | undefined,
): Promise<{ status: number; text: string }> {
  const http = process.getBuiltinModule('node:http');
  const payload = body === undefined ? '' : JSON.stringify(body);
  const headers = {
    'x-stint-control': token,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(payload),
  };
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    request.on('error', (cause) =>
      reject(
        cloudVerbFailure('cloud-not-running', `no embedded AWS answers at \`${new URL(url).origin}\``, {
          hint: 'start it with `stint cloud start`',
          cause,
        }),
      ),
    );
    request.end(payload);
  });
}
