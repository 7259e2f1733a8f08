// What a `stint server` lends, as targets: `lend:NAME` for a role of the AWS engine at `aws/`, `lend:MOUNT/NAME` for
// one of another mount. No profile and no account of a definition is named so: neither has a colon in it. A name is
// taken for one without asking the server, so that a kept session needs no call.
import type { DefinedTarget, TargetSource } from '../assume/index.ts';
import type { Io } from './command.ts';
import { cliFailure } from './failures.ts';
import type { LentPlace } from './lent-calls.ts';
import { lentName, lentPrefix, namedAddress, serverAddress, storedToken, usualMount } from './server-place.ts';

/** Loads the calls of the server, a bundle of its own. */
export type LoadCalls = () => Promise<typeof import('./lent-calls.ts')>;

function parse(name: string): { readonly mount: string; readonly role: string } {
  const match = /^lend:(?:(\w[\w.@-]*(?:\/\w[\w.@-]*)*)\/)?(\w(?:[\w.@-]*\w)?)$/.exec(name);
  if (match !== null) return { mount: match[1] ?? usualMount, role: match[2]! };
  throw cliFailure('invalid-option', `\`${name}\` names nothing that a server lends`, {
    hint: 'write `lend:NAME`, or `lend:MOUNT/NAME` for an engine that is not mounted at `aws/`',
  });
}

/** Tells tokens apart. A hash of 128 bits of a random token leads nobody back to it. */
function fingerprint(token: string): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(token).digest('hex').slice(0, 32);
}

/** Who lends, and who borrows. */
export interface Borrowing {
  readonly server: string;
  readonly borrower: string;
}

/** The server and the token that the environment names; undefined without either. @throws Failure `address-invalid` */
export function borrowingOf(io: Io): Borrowing | undefined {
  const token = namedAddress(io) === undefined ? undefined : storedToken(io);
  if (token === undefined) return undefined;
  // SECURITY: only a hash of the token is kept.
  const namespace = io.env['VAULT_NAMESPACE'] ?? '';
  return { server: serverAddress(io), borrower: fingerprint(`${namespace}\n${token.reveal()}`) };
}

/** @throws Failure `address-invalid`, `token-missing` */
function placeOf(io: Io, name: string): Borrowing {
  if (namedAddress(io) === undefined) {
    throw cliFailure('address-invalid', `\`${name}\` is lent by a server, and nothing names one`, {
      hint: 'set STINT_ADDR (or VAULT_ADDR) to its address',
    });
  }
  const borrowing = borrowingOf(io);
  if (borrowing !== undefined) return borrowing;
  throw cliFailure('token-missing', `\`${name}\` is lent by a server, and there is no token for it`, {
    hint: '`stint login` fetches one; or set STINT_TOKEN (or VAULT_TOKEN)',
  });
}

function lentTarget(io: Io, load: LoadCalls, place: LentPlace): DefinedTarget {
  const { mount, role, server, borrower } = place;
  return {
    name: lentName(mount, role),
    roleArn: '',
    mfa: false,
    lent: {
      server,
      path: `${mount}/creds/${role}`,
      borrower,
      borrow: async (wishes) => (await load()).borrow(io, place, wishes),
    },
  };
}

/** The lendables of the server that the environment names. */
export function lentTargets(io: Io, load: LoadCalls): TargetSource {
  return {
    label: namedAddress(io) ?? 'a server',
    prefix: lentPrefix,
    find: async (name) => lentTarget(io, load, { ...parse(name), ...placeOf(io, name) }),
    list: async () => {
      const borrowing = borrowingOf(io);
      if (borrowing === undefined) return [];
      const { listLent } = await load();
      const places = await listLent(io);
      return places.map((each) => lentTarget(io, load, { ...each, ...borrowing }));
    },
    // Without a server there is nothing, and the variable that would name one is what decides.
    decidedBy: () => (namedAddress(io) === undefined ? { files: [] } : undefined),
  };
}
