// A second evaluator of the IAM language: from the JSON documents, with regular expressions and plain sets, slow and
// without any code of src/policy. It knows the operators and documents that `generated.ts` makes.
import type { Principal } from '../../src/policy/index.ts';

export type Values = string | readonly string[];

export interface NaiveStatement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: '*' | Readonly<Record<string, readonly string[]>>;
  readonly NotPrincipal?: Readonly<Record<string, readonly string[]>>;
  readonly Action?: Values;
  readonly NotAction?: Values;
  readonly Resource?: Values;
  readonly NotResource?: Values;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, Values>>>>;
}

export interface NaiveDocument {
  readonly Version?: string;
  readonly Statement: readonly NaiveStatement[];
}

export interface NaiveRequest {
  readonly principal: Principal;
  readonly action: string;
  readonly resource: string;
  readonly account: string;
  readonly context: Readonly<Record<string, Values>>;
  readonly identity: readonly NaiveDocument[];
  readonly boundary: NaiveDocument | undefined;
  readonly session: readonly NaiveDocument[] | undefined;
  readonly scps: readonly (readonly NaiveDocument[])[];
  readonly rcps: readonly (readonly NaiveDocument[])[];
  readonly kind: 'resource' | 'trust' | 'key';
  readonly resourcePolicy: NaiveDocument | undefined;
  readonly endpoint: NaiveDocument | undefined;
}

const list = (value: Values | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;
const quote = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** The value of a context key, whatever its case. */
function look(context: NaiveRequest['context'], key: string): Values | undefined {
  const found = Object.keys(context).find((name) => name.toLowerCase() === key.toLowerCase());
  const value = found === undefined ? undefined : context[found];
  return typeof value === 'object' && value.length === 0 ? undefined : value;
}

/** A regular expression for a pattern; `undefined` when a variable has no value. */
function expression(
  pattern: string,
  request: NaiveRequest,
  variables: boolean,
  wild: boolean,
  flags = '',
): RegExp | undefined {
  let unset = false;
  const parts = pattern.split(variables ? /(\$\{[^}]*\}|\*|\?)/ : /(\*|\?)/).map((part) => {
    if (part === '*') return wild ? '[^]*' : '\\*';
    if (part === '?') return wild ? '[^]' : '\\?';
    const name = variables ? /^\$\{([^},]*)(?:,\s*'(.*)')?\}$/.exec(part) : null;
    if (name === null) return quote(part);
    if (['*', '?', '$'].includes(name[1]!)) return quote(name[1]!);
    const value = look(request.context, name[1]!);
    const text = typeof value === 'string' ? value : name[2];
    unset ||= text === undefined;
    return quote(text ?? '');
  });
  return unset ? undefined : new RegExp(`^${parts.join('')}$`, flags);
}

function oneOf(
  patterns: readonly string[],
  value: string,
  request: NaiveRequest,
  variables: boolean,
  wild: boolean,
  flags = '',
): boolean {
  return patterns.some((pattern) => expression(pattern, request, variables, wild, flags)?.test(value) ?? false);
}

const binary = (address: string): string =>
  address
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');

function compare(
  operator: string,
  seen: string,
  wanted: readonly string[],
  request: NaiveRequest,
  variables: boolean,
): boolean {
  const numbers = (match: (a: number, b: number) => boolean): boolean =>
    /^\d+$/.test(seen) && wanted.some((value) => /^\d+$/.test(value) && match(Number(seen), Number(value)));
  const dates = (match: (a: number, b: number) => boolean): boolean =>
    !Number.isNaN(Date.parse(seen)) && wanted.some((value) => match(Date.parse(seen), Date.parse(value)));
  switch (operator) {
    case 'StringEquals':
      return oneOf(wanted, seen, request, variables, false);
    case 'StringEqualsIgnoreCase':
      return oneOf(wanted, seen, request, variables, false, 'i');
    case 'StringLike':
      return oneOf(wanted, seen, request, variables, true);
    case 'NumericEquals':
      return numbers((a, b) => a === b);
    case 'NumericLessThan':
      return numbers((a, b) => a < b);
    case 'DateGreaterThan':
      return dates((a, b) => a > b);
    case 'Bool':
      return /^(true|false)$/i.test(seen) && oneOf(wanted, seen, request, variables, false, 'i');
    case 'IpAddress':
      return (
        /^[\d.]+$/.test(seen) &&
        wanted.some((range) => {
          const [address, bits = '32'] = range.split('/');
          return binary(seen).startsWith(binary(address!).slice(0, Number(bits)));
        })
      );
    case 'ArnLike': {
      const parts = seen.split(':');
      return wanted.some((pattern) => {
        const segments = pattern.split(':');
        if (segments.length < 6 || parts.length < 6) return false;
        const rest = (all: readonly string[]): string[] => [...all.slice(0, 5), all.slice(5).join(':')];
        return rest(segments).every((segment, index) =>
          oneOf([segment], rest(parts)[index]!, request, variables, true),
        );
      });
    }
    default:
      throw new Error(`the naive evaluator does not know ${operator}`);
  }
}

const positive: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotLike: 'StringLike',
  NumericNotEquals: 'NumericEquals',
  NotIpAddress: 'IpAddress',
  ArnNotLike: 'ArnLike',
};

function holds(
  written: string,
  key: string,
  wanted: readonly string[],
  request: NaiveRequest,
  variables: boolean,
  deny: boolean,
): boolean {
  const seen = look(request.context, key);
  if (written === 'Null') return wanted.includes(String(seen === undefined));
  const ifExists = written.endsWith('IfExists');
  const [qualifier, name] = written.includes(':') ? written.split(':') : [undefined, written];
  const bare = name.replace(/IfExists$/, '');
  const negated = bare in positive;
  const test = (value: string): boolean =>
    compare(positive[bare] ?? bare, value, wanted, request, variables) !== negated;
  if (seen === undefined) {
    if (ifExists) return true;
    return qualifier === undefined ? negated : qualifier === 'ForAllValues';
  }
  const values = list(seen);
  if (qualifier === 'ForAllValues') return seen === '' || values.every(test);
  if (qualifier === 'ForAnyValue') return seen !== '' && values.some(test);
  return values.length === 1 ? test(values[0]!) : deny;
}

type Form = 'none' | 'account' | 'behind' | 'caller';
const strength: readonly Form[] = ['none', 'account', 'behind', 'caller'];

function namesOf(principal: Principal): { own: string[]; behind: string[]; account: string[]; other: string[] } {
  const none = { own: [], behind: [], account: [], other: [] };
  switch (principal.type) {
    case 'Service':
      return { ...none, other: [`Service ${principal.service}`] };
    case 'Federated':
      return { ...none, other: [`Federated ${principal.provider}`] };
    case 'Anonymous':
      return none;
    default: {
      const account = [principal.account, `arn:aws:iam::${principal.account}:root`];
      if (principal.type === 'Root') return { ...none, account };
      if (principal.type === 'User') return { ...none, own: [principal.arn, principal.userId], account };
      if (principal.type === 'AssumedRole') {
        return { ...none, own: [principal.arn], behind: [principal.roleArn, principal.roleId], account };
      }
      const issuer = principal.issuerArn.endsWith(':root') ? [] : [principal.issuerArn, principal.issuerId ?? ''];
      return { ...none, own: [principal.arn], behind: issuer, account };
    }
  }
}

function formOf(element: '*' | Readonly<Record<string, readonly string[]>>, principal: Principal): Form {
  if (element === '*' || element['AWS']?.includes('*') === true) return 'caller';
  const { own, behind, account, other } = namesOf(principal);
  const aws = element['AWS'] ?? [];
  if (other.some((name) => element[name.split(' ')[0]!]?.includes(name.split(' ')[1]!) === true)) return 'caller';
  if (own.some((name) => aws.includes(name))) return 'caller';
  if (behind.some((name) => aws.includes(name))) return 'behind';
  return account.some((name) => aws.includes(name)) ? 'account' : 'none';
}

function principalForm(statement: NaiveStatement, principal: Principal): Form {
  if (statement.Principal !== undefined) return formOf(statement.Principal, principal);
  const not = statement.NotPrincipal;
  if (not === undefined) return 'caller';
  if (statement.Effect === 'Allow') return formOf(not, principal) === 'none' ? 'caller' : 'none';
  const aws = not['AWS'] ?? [];
  const { own, behind, account, other } = namesOf(principal);
  const chain = [own, principal.type === 'AssumedRole' ? behind : [], account].filter((names) => names.length > 0);
  const spared =
    aws.includes('*') ||
    (other.length > 0 && formOf(not, principal) === 'caller') ||
    (chain.length > 0 && chain.every((names) => names.some((name) => aws.includes(name))));
  return spared ? 'none' : 'caller';
}

function applies(statement: NaiveStatement, document: NaiveDocument, request: NaiveRequest): boolean {
  const variables = document.Version === '2012-10-17';
  const actions = list(statement.Action ?? statement.NotAction);
  if (oneOf(actions, request.action, request, false, true, 'i') !== (statement.Action !== undefined)) return false;
  const resources = statement.Resource ?? statement.NotResource;
  if (resources !== undefined) {
    const full = list(resources).map((text) =>
      text === '*' ? text : text + ':*'.repeat(Math.max(0, 6 - text.split(':').length)),
    );
    if (oneOf(full, request.resource, request, variables, true) !== (statement.Resource !== undefined)) return false;
  }
  return Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) =>
      holds(operator, key, list(wanted), request, variables, statement.Effect === 'Deny'),
    ),
  );
}

/** The strongest form in which documents say `effect` about the request. */
function says(effect: 'Allow' | 'Deny', documents: readonly NaiveDocument[], request: NaiveRequest): Form {
  const forms = documents.flatMap((document) =>
    document.Statement.filter((each) => each.Effect === effect && applies(each, document, request)).map((each) =>
      principalForm(each, request.principal),
    ),
  );
  return strength[Math.max(0, ...forms.map((form) => strength.indexOf(form)))]!;
}

/** `allow`, `deny TYPE` or `no TYPE`. */
export function naive(request: NaiveRequest): string {
  const answer = withoutEndpoint(request);
  const through = request.endpoint === undefined ? 'caller' : says('Allow', [request.endpoint], request);
  return answer === 'allow' && through === 'none' ? 'no endpoint' : answer;
}

function withoutEndpoint(request: NaiveRequest): string {
  const { principal, identity, boundary, session, kind, endpoint } = request;
  const linked = principal.type === 'AssumedRole' && principal.serviceLinked;
  const own = kind === 'trust' ? 'trust' : 'resource';
  const rcps = linked ? [] : request.rcps;
  const scps = linked ? [] : request.scps;
  const resource = request.resourcePolicy === undefined ? [] : [request.resourcePolicy];
  const layers: readonly (readonly [string, readonly NaiveDocument[]])[] = [
    ['rcp', rcps.flat()],
    ['scp', scps.flat()],
    [own, resource],
    ['identity', identity],
    ['boundary', boundary === undefined ? [] : [boundary]],
    ['session', session ?? []],
    ['endpoint', endpoint === undefined ? [] : [endpoint]],
  ];
  for (const [type, documents] of layers) if (says('Deny', documents, request) !== 'none') return `deny ${type}`;
  const allows = (documents: readonly NaiveDocument[]): boolean => says('Allow', documents, request) !== 'none';
  if (!rcps.every(allows)) return 'no rcp';
  if (!scps.every(allows)) return 'no scp';

  const form = says('Allow', resource, request);
  if (!('account' in principal)) return form === 'none' ? `no ${own}` : 'allow';
  const isRoot = principal.type === 'Root';
  const rootBacked = isRoot || (principal.type === 'FederatedUser' && principal.issuerArn.endsWith(':root'));
  const needs = new Set<string>();
  const foreign = principal.account !== request.account;
  const resourceMust = foreign || kind !== 'resource';
  if (form === 'none' && resourceMust && !foreign) return `no ${own}`;
  if (foreign || isRoot || form === 'none' || form === 'account') needs.add('identity').add('boundary').add('session');
  else if (form === 'behind') needs.add('boundary').add('session');
  if (isRoot && !foreign) needs.delete('boundary');
  if (needs.has('identity') && !rootBacked && !allows(identity)) return 'no identity';
  if (needs.has('boundary') && boundary !== undefined && !allows([boundary])) return 'no boundary';
  if (needs.has('session')) {
    if (session === undefined ? principal.type === 'FederatedUser' : !allows(session)) return 'no session';
  }
  return foreign && form === 'none' ? `no ${own}` : 'allow';
}
