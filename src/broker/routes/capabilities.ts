// sys/capabilities…, sys/internal/ui/resultant-acl: what a token may do, with Vault's shapes.
import { isFailure } from '../../base/index.ts';
import type { Access } from '../access.ts';
import { shownCapabilities } from '../acl.ts';
import type { Acl, Capability, Compiled, ParameterRules } from '../acl-index.ts';
import { enveloped, envelopedTwice, served, tokenOf, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { FieldValues } from '../fields.ts';
import { severalErrors } from '../go-errors.ts';
import type { WireValue } from '../http/wire.ts';
import type { Token } from '../model.ts';
import type { Handlers } from '../pipeline.ts';
import type { Tokens } from '../tokens.ts';

export interface CapabilityParts {
  readonly access: Access;
  readonly tokens: Tokens;
}

type Names = 'capabilities' | 'capabilitiesSelf' | 'capabilitiesName' | 'resultantAcl';

const pathFields = { paths: 'list', path: 'list' } as const;

export function capabilityHandlers({ access, tokens }: CapabilityParts): Pick<Handlers, Names> {
  return {
    capabilities: served('What a token may do on paths.', { token: 'string', ...pathFields }, async (call, fields) => {
      if ((fields.token ?? '') === '') throw brokerFailure('field-missing', severalErrors('no token found'));
      const token = await tokens.lookup(fields.token!);
      return ofOther(answer(access, call, fields, known(token, 'invalid token')));
    }),
    capabilitiesSelf: served('What the token that asks may do on paths.', pathFields, async (call, fields) =>
      answer(access, call, fields, tokenOf(call)),
    ),
    capabilitiesName: served(
      'What the token with an accessor may do on paths.',
      { accessor: 'string', ...pathFields },
      async (call, fields) => {
        if ((fields.accessor ?? '') === '') throw brokerFailure('bad-request', 'missing accessor');
        const token = await tokens.byAccessor(fields.accessor!);
        return ofOther(answer(access, call, fields, known(token, 'invalid accessor')));
      },
    ),
    resultantAcl: served('All that the token that asks may do.', {}, async (call) =>
      enveloped(call, { data: resultant(await access.acl(tokenOf(call))) }),
    ),
  };
}

function known(token: Token | undefined, message: string): Token {
  if (token === undefined) throw brokerFailure('bad-request', severalErrors(message));
  return token;
}

// Of a token whose entity is disabled or gone Vault says that there is none.
async function ofOther(asked: Promise<Answer>): Promise<Answer> {
  return asked.catch((error: unknown) => {
    const refused = isFailure(error) && error.code === 'permission-denied';
    throw refused ? brokerFailure('bad-request', severalErrors('invalid token')) : error;
  });
}

async function answer(
  access: Access,
  call: Call,
  { paths = [], path = [] }: FieldValues<typeof pathFields>,
  token: Token,
): Promise<Answer> {
  const asked = paths.length > 0 ? paths : path;
  if (asked.length === 0) throw brokerFailure('bad-request', 'paths must be supplied');
  if (asked.includes('')) throw brokerFailure('bad-request', severalErrors('missing path'));
  const found = await Promise.all(asked.map(async (one) => [one, await access.capabilities(token, one)] as const));
  const data: Record<string, readonly string[]> = Object.fromEntries(found);
  return envelopedTwice(call, asked.length === 1 ? { ...data, capabilities: found[0]![1] } : data);
}

function resultant(acl: Acl): Readonly<Record<string, WireValue>> {
  if (acl.root) return { root: true };
  return { root: false, exact_paths: rulesInfo(acl.exact), glob_paths: rulesInfo(acl.prefixes) };
}

function rulesInfo(rules: ReadonlyMap<string, Compiled>): Readonly<Record<string, WireValue>> {
  return Object.fromEntries([...rules].map(([path, rule]) => [path, ruleInfo(rule)]));
}

const shownOrder: readonly Capability[] = ['create', 'delete', 'list', 'read', 'sudo', 'update', 'patch', 'scan'];

function ruleInfo(rule: Compiled): WireValue {
  const shown = shownCapabilities(rule.capabilities);
  const { minWrappingSeconds: min = 0, maxWrappingSeconds: max = 0, requiredParameters = [] } = rule;
  return {
    capabilities: shown.toSorted((a, b) => shownOrder.indexOf(a) - shownOrder.indexOf(b)),
    ...(min === 0 ? {} : { min_wrapping_ttl: min }),
    ...(max === 0 ? {} : { max_wrapping_ttl: max }),
    ...parametersInfo('allowed_parameters', rule.allowedParameters),
    ...parametersInfo('denied_parameters', rule.deniedParameters),
    ...(requiredParameters.length === 0 ? {} : { required_parameters: requiredParameters }),
  };
}

function parametersInfo(name: string, rules: ParameterRules | undefined): Readonly<Record<string, WireValue>> {
  return rules === undefined || rules.size === 0 ? {} : { [name]: Object.fromEntries(rules) as WireValue };
}
