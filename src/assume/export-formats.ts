// A session in the further forms that people feed to programs: variables, `.env`, JSON, a section of a file.
import { isoSeconds } from '../base/index.ts';
import { sessionAccount } from './account.ts';
import { checkSectionName } from './credentials-file-text.ts';
import { processJson, sessionChange, shellLines, type Shell } from './exporters.ts';
import type { Credentials, SessionRequest } from './model.ts';

export interface Exported {
  readonly request: SessionRequest;
  readonly session: Credentials;
  /** The language of `export`. */
  readonly shell: Shell;
}

/** The variables of the session, without those by which Stint finds its own way back. */
function variables({ request, session }: Exported): readonly (readonly [name: string, value: string])[] {
  const { set } = sessionChange({}, request, session);
  return [...set]
    .filter(([name]) => !name.startsWith('STINT_'))
    .map(([name, value]) => [name, typeof value === 'string' ? value : value.reveal()] as const);
}

/** In quotes that are not in the text, so that nothing is escaped and nothing is expanded: `'` first, which is always literal. */
function dotenvQuote(text: string): string {
  const quote = ["'", '"', '`'].find((each) => !text.includes(each));
  return quote === undefined ? `"${text.replaceAll('"', String.raw`\"`)}"` : `${quote}${text}${quote}`;
}

function stsJson({ request, session }: Exported): string {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = session;
  return JSON.stringify({
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey.reveal(),
    SessionToken: sessionToken?.reveal(),
    Expiration: expiration === undefined ? undefined : isoSeconds(expiration),
    Region: request.region,
    AccountId: sessionAccount(request),
  });
}

function section(exported: Exported): string {
  const known = new Set(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_REGION']);
  const lines = variables(exported).filter(([name]) => known.has(name));
  const keyOf = (name: string): string => (name === 'AWS_REGION' ? 'region' : name.toLowerCase());
  const title = checkSectionName(exported.request.target);
  return [`[${title}]`, ...lines.map(([name, value]) => `${keyOf(name)} = ${value}`)].join('\n');
}

const formats = {
  process: ({ request, session }) => processJson(request, session),
  env: (exported) =>
    variables(exported)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n'),
  json: stsJson,
  dotenv: (exported) =>
    variables(exported)
      .map(([name, value]) => `${name}=${dotenvQuote(value)}`)
      .join('\n'),
  ini: section,
  export: (exported) => shellLines(exported.shell, { unset: [], set: new Map(variables(exported)) }).join('\n'),
} as const satisfies Readonly<Record<string, (exported: Exported) => string>>;

export type ExportFormat = keyof typeof formats;

export const exportFormats = Object.keys(formats) as readonly ExportFormat[];

/** The text of the session in that format, without a line end. */
export function exportText(format: ExportFormat, exported: Exported): string {
  return formats[format](exported);
}
