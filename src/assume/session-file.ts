// The file of one kept session: what stands in it, plain or sealed, and what is made of one that is read.
import { canonicalJson, isoSeconds, Secret, type Millis } from '../base/index.ts';
import { failure } from './failures.ts';
import type { Sealing } from './keeping/index.ts';
import type { Credentials } from './model.ts';

const version = 1;

/** A kept session without its secrets. */
export interface KeptEntry {
  readonly credentials: Pick<Credentials, 'lease'> & { readonly expiration: Millis };
  readonly issuedAt: Millis;
  /** What the person typed when it was fetched first. */
  readonly target: string;
  /** Empty for a session without a role. */
  readonly roleArn: string;
  readonly file: string;
  /** Identity of the request it answers. */
  readonly request: string;
  /** The keyring that holds the key of its secrets; undefined for a plain file. */
  readonly sealedBy?: string | undefined;
}

export interface KeptSession extends KeptEntry {
  readonly credentials: Credentials & { readonly expiration: Millis };
}

/** What tells sessions apart and is no secret; a sealed text opens beside these facts only. */
export interface SessionFacts {
  readonly request: string;
  readonly target: string;
  readonly roleArn: string;
  readonly issuedAt: string;
  readonly expiration: string;
  readonly lease?: { readonly id: string; readonly server: string } | undefined;
}

interface Secrets {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Empty for the keys of a lent user, which have none. */
  readonly sessionToken: string;
}

type Fields = Readonly<Record<string, unknown>>;

function hasTexts(value: Fields, names: readonly string[]): boolean {
  return names.every((name) => typeof value[name] === 'string');
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function leaseIn(value: unknown): SessionFacts['lease'] {
  if (!isFields(value) || !hasTexts(value, ['id', 'server'])) return undefined;
  const { id, server } = value as { id: string; server: string };
  return { id, server };
}

function secretsIn(value: unknown): Secrets | undefined {
  if (!isFields(value) || !hasTexts(value, ['accessKeyId', 'secretAccessKey', 'sessionToken'])) return undefined;
  return value as unknown as Secrets;
}

/** A file that was read. */
export interface SessionFile {
  readonly facts: SessionFacts;
  readonly entry: KeptEntry;
  /** The session with its secrets; undefined when they are sealed and cannot be opened. */
  open(sealing: Sealing | undefined): KeptSession | undefined;
}

/**
 * Reads the text of a file; undefined for a damaged one, or one of a version before versions.
 * @throws Failure `cache-version` for a file of a newer Stint.
 */
export function readSessionFile(text: string, file: string): SessionFile | undefined {
  const form = parse(text);
  if (!isFields(form)) return undefined;
  const found = form['version'];
  if (typeof found === 'number' && found > version) {
    throw failure('cache-version', `\`${file}\` was written by a newer Stint (version ${found})`, {
      hint: 'use the newer Stint, or remove the file',
    });
  }
  if (found !== version || !hasTexts(form, ['request', 'target', 'roleArn', 'issuedAt', 'expiration']))
    return undefined;
  const { request, target, roleArn, issuedAt, expiration } = form as unknown as SessionFacts;
  const facts = { request, target, roleArn, issuedAt, expiration, lease: leaseIn(form['lease']) };
  const sealed = hasTexts(form, ['keyring', 'sealed']) ? (form as { keyring: string; sealed: string }) : undefined;
  const plain = sealed === undefined ? secretsIn(form) : undefined;
  if (sealed === undefined && plain === undefined) return undefined;
  const entry = entryOf(facts, file, sealed?.keyring);
  if (entry === undefined) return undefined;
  const secrets = (sealing: Sealing | undefined): Secrets | undefined => {
    if (sealed === undefined) return plain;
    if (sealing?.name !== sealed.keyring) return undefined;
    return secretsIn(parse(sealing.open(sealed.sealed, canonicalJson(facts)) ?? ''));
  };
  return { facts, entry, open: (sealing) => sessionOf(entry, secrets(sealing)) };
}

function entryOf(facts: SessionFacts, file: string, sealedBy: string | undefined): KeptEntry | undefined {
  const [expiration, issuedAt] = [Date.parse(facts.expiration), Date.parse(facts.issuedAt)];
  if (Number.isNaN(expiration) || Number.isNaN(issuedAt)) return undefined;
  const { request, target, roleArn, lease } = facts;
  const credentials = { expiration, ...(lease === undefined ? {} : { lease }) };
  return { credentials, issuedAt, target, roleArn, file, request, ...(sealedBy === undefined ? {} : { sealedBy }) };
}

function sessionOf(entry: KeptEntry, secrets: Secrets | undefined): KeptSession | undefined {
  if (secrets === undefined) return undefined;
  const { accessKeyId, secretAccessKey, sessionToken } = secrets;
  const keys = {
    accessKeyId,
    secretAccessKey: new Secret(secretAccessKey),
    ...(sessionToken === '' ? {} : { sessionToken: new Secret(sessionToken) }),
  };
  return { ...entry, credentials: { ...keys, ...entry.credentials } };
}

/** The facts of a session that is fetched now. */
export function factsOf(
  request: string,
  { target, roleArn }: { readonly target: string; readonly roleArn: string },
  session: KeptSession['credentials'],
  now: Millis,
): SessionFacts {
  const { expiration, lease } = session;
  return {
    request,
    target,
    roleArn,
    issuedAt: new Date(now).toISOString(),
    expiration: isoSeconds(expiration),
    ...(lease === undefined ? {} : { lease }),
  };
}

/** The text of the file; undefined when it is to be sealed and cannot be. */
export function sessionFileText(
  facts: SessionFacts,
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  sealing: Sealing | undefined,
): string | undefined {
  // SECURITY: the one place where secrets of a session are written: a 0600 file in a 0700 folder, sealed or not.
  const secrets: Secrets = {
    accessKeyId,
    secretAccessKey: secretAccessKey.reveal(),
    sessionToken: sessionToken?.reveal() ?? '',
  };
  if (sealing === undefined) return `${JSON.stringify({ version, ...facts, ...secrets })}\n`;
  const sealed = sealing.seal(JSON.stringify(secrets), canonicalJson(facts));
  return sealed === undefined ? undefined : `${JSON.stringify({ version, ...facts, keyring: sealing.name, sealed })}\n`;
}
