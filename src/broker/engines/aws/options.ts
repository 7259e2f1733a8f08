// What Stint adds to Vault's engine, switched on per mount (`config/stint`) and per role (fields of
// `roles/:name`). All of it is off until somebody asks, so that nothing that Vault does changes; a role
// reads back only the fields that it was given.
import { formatGoDuration, type Json } from '../../../base/index.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldValues } from '../../fields.ts';
import type { EngineAnswer, EngineCall, Folder } from '../engine.ts';
import { wayTo } from './accounts.ts';

export const optionFields = {
  revoke_strength: 'string',
  source_identity: 'boolean',
  wait_until_usable: 'seconds',
} as const;

export const roleOptionFields = { ...optionFields, account: 'string' } as const;

type Given = FieldValues<typeof roleOptionFields>;

/** Undefined members: not said. */
export interface Options {
  readonly version: 1;
  /** `denies`: sessions of roles are refused when their lease is revoked. `expires`: as Vault. */
  readonly revokeStrength?: 'expires' | 'denies';
  /** Whether sessions that can be refused get the lease as their source identity, where the role's trust allows. */
  readonly sourceIdentity?: boolean;
  /** How long a grant waits at most until its new key works; 0 does not wait. */
  readonly waitSeconds?: number;
  /** The account, of `config/accounts`, in which the role lends; undefined for the mount's own. */
  readonly account?: string;
}

/** What holds for a role: its own word, else the mount's, else Vault's way. */
export interface EffectiveOptions {
  readonly revokeStrength: 'expires' | 'denies';
  readonly sourceIdentity: boolean;
  readonly waitSeconds: number;
  readonly account: string;
}

const mountKey = 'config/stint';
/** A client of Vault gives up after 60 s. */
const longestWaitSeconds = 55;

function roleKey(role: string): string {
  return `role-options/${role}`;
}

export async function optionsOfRole(folder: Folder, role: string): Promise<EffectiveOptions> {
  const [own, mount] = await Promise.all([folder.get<Options>(roleKey(role)), folder.get<Options>(mountKey)]);
  const said = { ...mount?.value, ...own?.value };
  return {
    revokeStrength: said.revokeStrength ?? 'expires',
    sourceIdentity: said.sourceIdentity ?? true,
    waitSeconds: said.waitSeconds ?? 0,
    account: said.account ?? '',
  };
}

/** `config/stint`. */
export async function handleMountOptions(
  { operation, folder }: EngineCall,
  given: FieldValues<typeof optionFields>,
): Promise<EngineAnswer> {
  if (operation === 'delete') {
    await folder.change<Options>(mountKey, () => undefined);
    return {};
  }
  if (operation === 'read') {
    const found = await folder.get<Options>(mountKey);
    return found === undefined ? {} : { data: optionData(found.value) };
  }
  await folder.change<Options>(mountKey, (before) => changed(before, given));
  return {};
}

/**
 * Serves `roles/:name` with Stint's fields beside Vault's, which `handleRole` serves. A role keeps what
 * it was given until it is deleted.
 */
export async function withRoleOptions(
  { operation, folder }: EngineCall,
  { name: role = '', ...fields }: Given & { readonly name?: string },
  handleRole: () => Promise<EngineAnswer>,
): Promise<EngineAnswer> {
  if (operation === 'read') {
    const answer = await handleRole();
    const options = answer.data === undefined ? undefined : await folder.get<Options>(roleKey(role));
    return options === undefined ? answer : { ...answer, data: { ...answer.data, ...optionData(options.value) } };
  }
  if (operation === 'delete') {
    await folder.change<Options>(roleKey(role), () => undefined);
    return handleRole();
  }
  const given = onlyOptions(fields);
  // Read before anything is written, so that a wrong option leaves the role as it was.
  const options = changed((await folder.get<Options>(roleKey(role)))?.value, given);
  await wayTo(folder, options.account ?? '');
  const answer = await handleRole();
  if (Object.keys(given).length > 0) {
    await folder.change<Options>(roleKey(role), (before) => changed(before, given));
  }
  return answer;
}

function onlyOptions(fields: Given): Given {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => Object.hasOwn(roleOptionFields, name)));
}

function changed(before: Options | undefined, given: Given): Options {
  const { revoke_strength: strength, source_identity: sourceIdentity, wait_until_usable: wait, account } = given;
  return {
    version: 1,
    ...before,
    ...(strength === undefined ? {} : { revokeStrength: checkStrength(strength) }),
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    ...(wait === undefined ? {} : { waitSeconds: checkWait(wait) }),
    ...(account === undefined ? {} : { account }),
  };
}

function checkStrength(text: string): 'expires' | 'denies' {
  if (text === 'expires' || text === 'denies') return text;
  throw brokerFailure('bad-request', `revoke_strength: \`${text}\` is neither \`expires\` nor \`denies\``, {
    hint: '`denies` refuses the session when its lease is revoked; `expires` leaves it until its time is over',
  });
}

/** A wait for a new key that a client lives to see. @throws Failure `bad-request`. */
export function checkWait(seconds: number): number {
  if (seconds <= longestWaitSeconds) return seconds;
  throw brokerFailure('bad-request', `wait_until_usable is longer than ${longestWaitSeconds} seconds`, {
    hint: 'clients give up after 60 seconds',
  });
}

function optionData({ revokeStrength, sourceIdentity, waitSeconds, account }: Options): Readonly<Record<string, Json>> {
  return {
    ...(revokeStrength === undefined ? {} : { revoke_strength: revokeStrength }),
    ...(sourceIdentity === undefined ? {} : { source_identity: sourceIdentity }),
    ...(waitSeconds === undefined ? {} : { wait_until_usable: formatGoDuration(waitSeconds) }),
    ...(account === undefined || account === '' ? {} : { account }),
  };
}
