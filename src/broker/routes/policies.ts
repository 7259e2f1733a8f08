// sys/policies and sys/policy: Vault's policies, with its shapes.
import type { Clock, Random } from '../../base/index.ts';
import type { Barrier } from '../barrier.ts';
import { done, enveloped, envelopedTwice, param, served, type Answer, type Call, type Served } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { FieldValues } from '../fields.ts';
import { severalErrors } from '../go-errors.ts';
import type { WireValue } from '../http/wire.ts';
import { generatePassword, parsePasswordPolicy } from '../password-policy.ts';
import type { Handlers } from '../pipeline.ts';
import type { Policies, Policy, PolicyChange } from '../policies.ts';

export interface PolicyParts {
  readonly policies: Policies;
  readonly barrier: Barrier;
  readonly clock: Clock;
  readonly random: Random;
}

type Names =
  | 'policies'
  | 'policy'
  | 'policyDetails'
  | 'policyDetail'
  | 'oldPolicies'
  | 'oldPolicy'
  | 'passwordPolicies'
  | 'passwordPolicy'
  | 'passwordGenerate';

export function policyHandlers(parts: PolicyParts): Pick<Handlers, Names> {
  const { policies } = parts;
  return {
    policies: served('List the policies.', {}, async (call) => listed(call, await policies.names())),
    policy: served('A policy.', policyFields, async (call, fields) => {
      if (call.operation === 'list') return listed(call, await policies.names(`${param(call, 'name')}/`));
      if (call.operation !== 'read') return changePolicy(parts, call, fields);
      return enveloped(call, { data: policyInfo(await existing(policies, call), 'policy') });
    }),
    policyDetails: served('List the policies with what they say.', {}, (call) => detailed(policies, call, '')),
    policyDetail: served('List policies with what they say.', { name: 'string' }, (call) =>
      detailed(policies, call, `${param(call, 'name')}/`),
    ),
    oldPolicies: served('List the policies.', {}, async (call) => {
      const names = await policies.names();
      return envelopedTwice(call, { keys: names, policies: names });
    }),
    oldPolicy: served('A policy.', { ...policyFields, rules: 'string' }, async (call, fields) => {
      if (call.operation !== 'read') return changePolicy(parts, call, fields);
      return envelopedTwice(call, policyInfo(await existing(policies, call), 'rules'));
    }),
    ...passwordHandlers(parts),
  };
}

const policyFields = {
  name: 'string',
  policy: 'string',
  expiration: 'string',
  ttl: 'seconds',
  cas: 'int',
  cas_required: 'boolean',
  allow_wildcards_in_identity_templates: 'boolean',
  allow_slashes_in_identity_templates: 'boolean',
} as const;

type PolicyValues = FieldValues<typeof policyFields> & { readonly rules?: string };

function listed(call: Call, keys: readonly string[]): Answer {
  if (keys.length === 0) throw brokerFailure('not-found', '');
  return enveloped(call, { data: { keys } });
}

async function existing(policies: Policies, call: Call): Promise<Policy> {
  const policy = await policies.get(param(call, 'name'));
  if (policy === undefined) throw brokerFailure('not-found', '');
  return policy;
}

function policyInfo(policy: Policy, textName: 'policy' | 'rules'): Readonly<Record<string, WireValue>> {
  return {
    name: policy.name,
    [textName]: policy.text,
    version: policy.dataVersion,
    cas_required: policy.casRequired,
    allow_wildcards_in_identity_templates: policy.allowWildcards,
    allow_slashes_in_identity_templates: policy.allowSlashes,
    ...(policy.modifiedAt === null ? {} : { modified: new Date(policy.modifiedAt).toISOString() }),
    ...(policy.expiresAt === null ? {} : { expiration: new Date(policy.expiresAt).toISOString() }),
  };
}

async function detailed(policies: Policies, call: Call, prefix: string): Promise<Answer> {
  const keys = await policies.names(prefix);
  if (keys.length === 0) throw brokerFailure('not-found', '');
  const found = (await Promise.all(keys.map(async (name) => policies.get(name)))).filter((one) => one !== undefined);
  const info = Object.fromEntries(found.map((policy) => [policy.name, policyInfo(policy, 'policy')]));
  return enveloped(call, { data: { keys, key_info: info } });
}

async function changePolicy({ policies, clock }: PolicyParts, call: Call, fields: PolicyValues): Promise<Answer> {
  const name = param(call, 'name');
  if (call.operation === 'delete') {
    await policies.delete(name);
    return done();
  }
  const patch = call.operation === 'patch';
  const text = (fields.policy ?? '') === '' && !patch ? (fields.rules ?? '') : fields.policy;
  if (text === '') throw brokerFailure('bad-request', "'policy' parameter not supplied or empty");
  const change: PolicyChange = {
    text: text === undefined ? undefined : decodeBase64(text),
    casRequired: fields.cas_required,
    allowSlashes: fields.allow_slashes_in_identity_templates,
    allowWildcards: fields.allow_wildcards_in_identity_templates,
    cas: fields.cas,
    expiresAt: expiryOf(fields, clock.now()),
  };
  const warnings = [
    ...(name === name.toLowerCase() ? [] : [`policy name was converted to ${name.toLowerCase()}`]),
    ...(fields.policy === undefined && !patch ? ["'rules' is deprecated, please use 'policy' instead"] : []),
    ...(await policies.write(name, change, patch)),
  ];
  return patch || warnings.length > 0 ? enveloped(call, { warnings }) : done();
}

function expiryOf({ expiration = '', ttl }: PolicyValues, now: number): number | undefined {
  if (expiration !== '' && ttl !== undefined) {
    throw brokerFailure('bad-request', "cannot supply both 'expiration' and 'ttl' for policies");
  }
  if (expiration === '' && ttl === undefined) return undefined;
  const at = ttl === undefined ? timeOf(expiration) : now + ttl * 1000;
  if (at > now) return at;
  throw brokerFailure('bad-request', 'refusing to update policy as expiration time has already elapsed');
}

// Seconds since 1970, or a time as RFC 3339 writes it.
function timeOf(text: string): number {
  const at = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw brokerFailure(
    'bad-request',
    'Field validation failed: error converting input for field "expiration": expected a time such as `2030-01-01T00:00:00Z`',
  );
}

// Vault takes the text plain or in base64; a policy's text always has a character base64 has not.
function decodeBase64(text: string): string {
  const plain = text.replaceAll(/[\r\n]/g, '');
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain);
  return isBase64 ? Buffer.from(plain, 'base64').toString('utf8') : text;
}

function passwordHandlers({
  barrier,
  random,
}: PolicyParts): Pick<Handlers, 'passwordPolicies' | 'passwordPolicy' | 'passwordGenerate'> {
  const keyOf = (call: Call): string => `password-policy/${encodeURIComponent(param(call, 'name'))}`;
  const stored = async (call: Call): Promise<string> => {
    const found = await barrier.get<string>(keyOf(call));
    if (found === undefined) throw brokerFailure('policy-unknown', severalErrors('policy does not exist'));
    return found.value;
  };
  return {
    passwordPolicies: served('List the password policies.', {}, async (call) => {
      const keys = await barrier.list('password-policy/');
      return listed(call, keys.map(decodeURIComponent));
    }),
    passwordPolicy: served('A password policy.', { name: 'string', policy: 'string' }, async (call, fields) => {
      if (call.operation === 'read') return enveloped(call, { data: { policy: await stored(call) } });
      if (param(call, 'name').endsWith('/generate')) {
        throw brokerFailure('unsupported-operation', severalErrors('unsupported operation'));
      }
      const remove = call.operation === 'delete';
      if (!remove && (fields.policy ?? '') === '') throw brokerFailure('bad-request', severalErrors('missing policy'));
      const text = decodeBase64(fields.policy ?? '');
      // Also shows that its rules can be kept.
      if (!remove) generatePassword(parsePasswordPolicy(text), random);
      await barrier.commit([{ key: keyOf(call), value: remove ? undefined : text }]);
      return done();
    }),
    passwordGenerate: served('A password by a password policy.', { name: 'string' }, async (call) => {
      const policy = parsePasswordPolicy(await stored(call));
      return enveloped(call, { data: { password: generatePassword(policy, random) } });
    }),
  } satisfies Record<string, Served>;
}
