// Sessions of a role that an AWS service opens for what runs in it, and renews while that runs: EC2 for an instance,
// ECS for a task. Promises: the role's trust policy and the organisation are asked for each answer.
import type { Clock, Random } from '../base/index.ts';
import { contextOf, evaluate, preparePrincipal, type AuthorizationRequest } from '../policy/index.ts';
import type { Credential, Session } from './credential.ts';
import { serviceKeys, type Keys } from './request-context.ts';
import { makeSession } from './services/iam/credentials.ts';
import { compiledDocument } from './services/iam/documents.ts';
import { rcpsOf } from './services/iam/lookup.ts';
import { credentials, type Role } from './services/iam/model.ts';
import { resourceTagKeys } from './services/iam/tags.ts';
import type { State } from './state.ts';
import { tableName, type World } from './world.ts';

/** What handing out sessions needs of the embedded AWS around it. */
export interface SessionParts {
  readonly state: State;
  readonly world: World;
  /** Emulated time. */
  readonly clock: Clock;
  readonly random: Random;
}

/** Which session of which role a service opens. */
export interface ServiceSession {
  /** What it is for: the same key gets the same session until that nears its end. */
  readonly key: string;
  readonly role: Role;
  readonly account: string;
  /** `ec2.amazonaws.com` */
  readonly service: string;
  readonly sessionName: string;
  /** Condition keys that the service gives when it assumes the role. */
  readonly callKeys?: Readonly<Keys> | undefined;
  /** What the session carries. */
  readonly carried?: Pick<Session, 'instanceId' | 'originKeys'> | undefined;
}

export type RoleCredential = Credential & { readonly session: Session };

const lifetimeSeconds = 6 * 60 * 60;
/** Clients refresh up to twenty minutes ahead; what they then get must be new. */
const renewBefore = 60 * 60 * 1000;

interface Minted {
  readonly accessKeyId: string;
  readonly roleId: string;
  /** Of the same key before this one, as long as they last. */
  readonly older: readonly string[];
}

/** Account `''`; id: the session's key → the credentials it was given last. */
const minted = tableName<Minted>('ec2.metadata-credentials');

/** What the service asks of STS. */
export function assumption(session: ServiceSession, { world, clock }: SessionParts): AuthorizationRequest {
  const { role, account, service } = session;
  return {
    principal: { type: 'Service', service },
    policies: preparePrincipal({ identity: [], scps: [] }),
    action: 'sts:AssumeRole',
    resource: {
      arn: role.arn,
      account,
      policy: {
        kind: 'trust',
        attached: { policy: compiledDocument(role, role.trust, 'trust'), name: role.name, attachedTo: role.arn },
      },
      rcps: rcpsOf(account, world),
    },
    context: contextOf({
      ...serviceKeys(service, account, clock.now(), world),
      ...resourceTagKeys(role.tags),
      'sts:RoleSessionName': session.sessionName,
      ...session.callKeys,
    }),
  };
}

/** Credentials that last at least another hour; undefined when the role does not trust the service. */
export async function sessionFor(session: ServiceSession, parts: SessionParts): Promise<RoleCredential | undefined> {
  if (evaluate(assumption(session, parts)).decision !== 'allow') return undefined;
  return (
    current(session, parts) ?? (await parts.state.transaction(() => current(session, parts) ?? mint(session, parts)))
  );
}

function current({ key, role }: ServiceSession, { world, clock }: SessionParts): RoleCredential | undefined {
  const known = world.table(minted).get('', key);
  const credential = known?.roleId === role.id ? world.table(credentials).get('', known.accessKeyId) : undefined;
  if (credential?.session === undefined) return undefined;
  const { issuedAt, expiresAt } = credential.session;
  const now = clock.now();
  return issuedAt <= now && now < expiresAt - renewBefore ? (credential as RoleCredential) : undefined;
}

function mint(session: ServiceSession, { world, clock, random }: SessionParts): RoleCredential {
  const { key, role, account, sessionName, carried } = session;
  const credential = makeSession(
    { world, clock, random, account },
    { kind: 'role', roleId: role.id, sessionName },
    lifetimeSeconds,
    { tags: [], transitiveTagKeys: [], ...carried },
  );
  const table = world.table(minted);
  const before = table.get('', key);
  const older = before === undefined ? [] : [...before.older, before.accessKeyId];
  table.put('', key, {
    accessKeyId: credential.accessKeyId,
    roleId: role.id,
    older: older.filter((id) => stillLasts(id, world, clock)),
  });
  return credential;
}

/** Older credentials stay good until they expire, and are dropped then. */
function stillLasts(accessKeyId: string, world: World, clock: Clock): boolean {
  const session = world.table(credentials).get('', accessKeyId)?.session;
  if (session !== undefined && session.expiresAt > clock.now()) return true;
  world.table(credentials).delete('', accessKeyId);
  return false;
}
