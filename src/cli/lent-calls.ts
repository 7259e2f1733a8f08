// The calls of the server behind targets that are lent: what there is, taking a lease, giving it back.
import { Failure, isFailure, nearestName, Secret, systemClock } from '../base/index.ts';
import type { BorrowWishes, Credentials } from '../assume/index.ts';
import { askServer, serverAddress, type ServerReply } from './broker-client.ts';
import type { Io } from './command.ts';
import { cliFailure } from './failures.ts';
import { tell } from './output.ts';
import { lentName } from './server-place.ts';

export interface LentRole {
  /** Without a slash at its end. */
  readonly mount: string;
  readonly role: string;
}

export interface LentPlace extends LentRole {
  readonly server: string;
  readonly borrower: string;
}

/** Milliseconds in which a list must come; it is asked for by completion too. */
const listPatience = 3000;

/** The process with answers that come as they are: a wrapped answer holds no credentials. */
function unwrapped(io: Io): Io {
  return Object.create(io, { env: { value: { ...io.env, VAULT_WRAP_TTL: undefined } } }) as Io;
}

function textIn(data: Readonly<Record<string, unknown>>, ...names: readonly string[]): string | undefined {
  return names.map((name) => data[name]).find((value): value is string => typeof value === 'string' && value !== '');
}

function credentialsIn({ body }: ServerReply, server: string): Credentials {
  const data = (body['data'] ?? {}) as Readonly<Record<string, unknown>>;
  const [id, key] = [textIn(data, 'access_key'), textIn(data, 'secret_key')];
  const token = textIn(data, 'session_token', 'security_token');
  if (id === undefined || key === undefined) {
    throw cliFailure('server-refused', 'the server answered without credentials', {
      hint: 'check that the role belongs to an AWS engine: `stint ls` lists what is lent',
    });
  }
  const seconds = body['lease_duration'];
  const lease = textIn(body, 'lease_id');
  return {
    accessKeyId: id,
    secretAccessKey: new Secret(key),
    ...(token === undefined ? {} : { sessionToken: new Secret(token) }),
    ...(typeof seconds === 'number' && seconds > 0 ? { expiration: systemClock.now() + seconds * 1000 } : {}),
    ...(lease === undefined ? {} : { lease: { id: lease, server } }),
  };
}

/** True when the other path of the engine may say yes: the token's policy names one of the two, old roles take one. */
function mayTryOther(error: unknown): boolean {
  return (
    isFailure(error) &&
    error.code === 'server-refused' &&
    /permission denied|through the creds path/.test(error.message)
  );
}

/**
 * Takes a lease: `creds/NAME`, or `sts/NAME` where the token may ask for that only.
 * @throws Failure `server-refused` in the server's words, `server-unreachable`.
 */
export async function borrow(io: Io, { mount, role, server }: LentPlace, wishes: BorrowWishes): Promise<Credentials> {
  const query = new URLSearchParams({
    ...(wishes.ttlSeconds === undefined ? {} : { ttl: `${wishes.ttlSeconds}s` }),
    ...(wishes.sessionName === undefined ? {} : { role_session_name: wishes.sessionName }),
  }).toString();
  const ask = (path: string): Promise<ServerReply> =>
    askServer(unwrapped(io), 'GET', `${mount}/${path}/${role}`, { query }, { address: server });
  try {
    return credentialsIn(await ask('creds'), server);
  } catch (error) {
    const other = mayTryOther(error) ? await ask('sts').catch(() => undefined) : undefined;
    if (other === undefined) throw await withNames(io, { mount, role }, error);
    return credentialsIn(other, server);
  }
}

/** The failure with a name to take instead, where the server lends others and not this one. */
async function withNames(io: Io, { mount, role }: LentRole, error: unknown): Promise<unknown> {
  if (!isFailure(error) || error.code !== 'server-refused') return error;
  const names = (await listLent(io)).map((each) => lentName(each.mount, each.role));
  const wanted = lentName(mount, role);
  if (names.length === 0 || names.includes(wanted)) return error;
  const near = nearestName(wanted, names);
  const hint = near === undefined ? '`stint ls` lists what is lent' : `did you mean \`${near}\`?`;
  const { code, message, status, detail, cause } = error;
  return new Failure(code, message, { hint, status, detail, cause });
}

/** Answer of a list, or nothing where the token may not see it. */
async function keysOf(io: Io, path: string): Promise<readonly string[]> {
  try {
    const { body } = await askServer(unwrapped(io), 'GET', path, { query: 'list=true' });
    const { keys } = (body['data'] ?? {}) as { keys?: unknown };
    return Array.isArray(keys) ? keys.filter((key): key is string => typeof key === 'string') : [];
  } catch (error) {
    if (isFailure(error) && error.code === 'server-refused') return [];
    throw error;
  }
}

async function mountsOf(io: Io): Promise<readonly string[]> {
  const { body } = await askServer(unwrapped(io), 'GET', 'sys/internal/ui/mounts');
  const { secret = {} } = (body['data'] ?? {}) as { secret?: Readonly<Record<string, { type?: unknown }>> };
  return Object.keys(secret)
    .filter((path) => secret[path]?.type === 'aws')
    .map((path) => path.replace(/\/$/, ''));
}

/** What the token may see of what is lent. A server that does not answer has nothing to list, and that is told. */
export async function listLent(io: Io): Promise<readonly LentRole[]> {
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(listPatience)]);
  const limited = Object.create(io, { signal: { value: signal } }) as Io;
  try {
    const mounts = await mountsOf(limited);
    const roles = await Promise.all(
      mounts.map(async (mount) => (await keysOf(limited, `${mount}/roles`)).map((role) => ({ mount, role }))),
    );
    return roles.flat();
  } catch (error) {
    if (!isFailure(error)) throw error;
    tell(io, `note: what \`${serverAddress(io)}\` lends is not listed: ${error.message}`);
    return [];
  }
}

/** Gives a lease back. @throws Failure `server-refused`, `server-unreachable`, `lease-elsewhere`. */
export async function giveBack(io: Io, { id, server }: NonNullable<Credentials['lease']>): Promise<void> {
  // SECURITY: the token is for the server that the environment names, and goes to no other.
  if (serverAddress(io) !== server) {
    throw cliFailure('lease-elsewhere', `the lease \`${id}\` is of ${server}, which is not the server named now`, {
      hint: `STINT_ADDR=${server} stint lease revoke ${id}`,
    });
  }
  await askServer(unwrapped(io), 'PUT', 'sys/leases/revoke', { body: { lease_id: id, sync: true } });
}
