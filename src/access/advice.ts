// What a definition's access should be, beyond being right: the advice of `defaults` that changes nothing in AWS but is
// told. Each piece is switched off in `defaults`, with a reason, which is then told instead.
import type { Millis } from '../base/index.ts';
import { wildcardMatcher } from '../policy/index.ts';
import { defaultFindings, defaultLimit, offReason, type DefaultName } from './defaults.ts';
import { hasEnded } from './expiry.ts';
import type { Finding } from './findings.ts';
import type { Definition, RoleEntry } from './model.ts';
import { markedTag } from './ownership.ts';
import type { Document, Resource, Statement, Texts, WantedAccount } from './resources.ts';
import { countsIn, isProduction } from './selectors.ts';
import { isHuman, trustedRole } from './trust.ts';
import { accountsOfRole, roleIn, sessionSeconds } from './variation.ts';

type Carrier = Extract<Resource, { readonly attached: readonly string[] }>;

const list = (texts: Texts | undefined): readonly string[] =>
  texts === undefined ? [] : typeof texts === 'string' ? [texts] : texts;

const isOn = (definition: Definition, name: DefaultName): boolean => offReason(definition, name) === undefined;

/** What AWS's widest managed policies allow; the rest of them are judged where their documents are at hand. */
const widePolicies: Readonly<Record<string, readonly string[]>> = {
  AdministratorAccess: ['*'],
  IAMFullAccess: ['iam:*'],
};

/** Statements that a carrier has of this definition, and of AWS's widest policies. */
function statementsOf(account: WantedAccount, carrier: Carrier): Statement[] {
  const own = account.resources.filter((it) => it.kind === 'policy');
  const documents: Document[] = [
    ...Object.values(carrier.inline),
    ...own
      .filter(({ path, name }) => carrier.attached.some((arn) => arn.endsWith(`:policy${path}${name}`)))
      .map(({ document }) => document),
  ];
  const wide = carrier.attached.flatMap((arn): Statement[] => {
    const name = /:iam::aws:policy\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1] ?? '';
    const actions = Object.hasOwn(widePolicies, name) ? widePolicies[name]! : [];
    return actions.map((Action) => ({ Effect: 'Allow', Action, Resource: '*' }));
  });
  return [...documents.flatMap(({ Statement }) => Statement), ...wide];
}

function allows(statement: Statement, action: string): boolean {
  if (statement.Effect !== 'Allow') return false;
  const fits = (pattern: string): boolean => wildcardMatcher(pattern, { ignoreCase: true })(action);
  return statement.NotAction === undefined ? list(statement.Action).some(fits) : !list(statement.NotAction).some(fits);
}

const onEverything = (statement: Statement): boolean => list(statement.Resource).includes('*');

/** Whether the entry that made a carrier marks it; groups, which take no tags, are looked up. */
function isMarked(definition: Definition, carrier: Carrier): boolean {
  if (carrier.kind === 'group') return definition.groups?.[carrier.name]?.marked !== undefined;
  return carrier.tags[markedTag] !== undefined;
}

const creating = ['iam:CreateRole', 'iam:CreatePolicy', 'iam:CreatePolicyVersion', 'iam:PutRolePolicy', 'iam:PassRole'];

function wildcardFindings(account: WantedAccount, carrier: Carrier, statements: readonly Statement[]): Finding[] {
  const place = { account: account.name, resource: `${carrier.kind}/${carrier.name}` };
  const allowed = statements
    .filter((it) => it.Effect === 'Allow' && onEverything(it))
    .flatMap(({ Action }) => list(Action));
  const hint = 'name what is needed, or mark the entry: `marked: admin` or `marked: break-glass`';
  if (allowed.some((action) => action === '*' || action === '*:*')) {
    return [
      {
        severity: 'warning',
        code: 'everything-allowed',
        ...place,
        message: 'may do everything, and is not marked for it',
        hint,
      },
    ];
  }
  if (!allowed.some((action) => action.toLowerCase() === 'iam:*')) return [];
  const severity = isProduction(account.stage) ? 'error' : 'warning';
  return [
    {
      severity,
      code: 'iam-allowed',
      ...place,
      message: 'may do everything in IAM, which is as good as everything',
      hint,
    },
  ];
}

function passRoleFindings(account: WantedAccount, carrier: Carrier, statements: readonly Statement[]): Finding[] {
  const wide = statements.filter(
    (it) => allows(it, 'iam:PassRole') && list(it.Action).every((action) => action !== '*' && action !== '*:*'),
  );
  const place = { account: account.name, resource: `${carrier.kind}/${carrier.name}` };
  const hint = 'name the roles in `Resource` and the services in a condition on `iam:PassedToService`';
  if (
    wide.some((it) =>
      list(it.Resource).some((resource) => /^(?:\*|arn:[^:]*:iam::[^:]*:(?:\*|role\/\*))$/.test(resource)),
    )
  ) {
    const message = 'may pass any role to a service, and so become any role';
    return [{ severity: 'warning', code: 'pass-role-wide', ...place, message, hint }];
  }
  const bare = wide.some(
    (it) =>
      !Object.values(it.Condition ?? {}).some((keys) =>
        Object.keys(keys).some((key) => /^iam:(?:passedtoservice|associatedresourcearn)$/i.test(key)),
      ),
  );
  if (!bare) return [];
  return [
    { severity: 'info', code: 'pass-role-any-service', ...place, message: 'may pass a role to any service', hint },
  ];
}

function boundaryFindings(account: WantedAccount, carrier: Carrier, statements: readonly Statement[]): Finding[] {
  if (carrier.kind !== 'role' || carrier.boundary !== undefined) return [];
  const can = creating.filter((action) => statements.some((statement) => allows(statement, action)));
  if (can.length === 0) return [];
  return [
    {
      severity: 'warning',
      code: 'boundary-missing',
      account: account.name,
      resource: `role/${carrier.name}`,
      message: `has ${can.map((it) => `\`${it}\``).join(', ')} and no permissions boundary: what it makes may be mightier than itself`,
      hint: 'give it a `boundary` that also denies its own removal, or mark the role `admin`',
    },
  ];
}

function carrierFindings(definition: Definition, account: WantedAccount): Finding[] {
  return account.resources.flatMap((carrier): Finding[] => {
    if (!('attached' in carrier)) return [];
    if (isMarked(definition, carrier)) return [];
    const statements = statementsOf(account, carrier);
    return [
      ...(isOn(definition, 'wildcards') ? wildcardFindings(account, carrier, statements) : []),
      ...(isOn(definition, 'passRole') ? passRoleFindings(account, carrier, statements) : []),
      ...(isOn(definition, 'boundary') ? boundaryFindings(account, carrier, statements) : []),
    ];
  });
}

/** Roles of production that people may become for ever, one finding a role. */
function endlessFindings(definition: Definition, now: Millis): Finding[] {
  if (!isOn(definition, 'productionExpiry')) return [];
  return Object.entries(definition.roles ?? {}).flatMap(([key, entry]): Finding[] => {
    const endless = accountsOfRole(definition, entry).filter((account) => {
      const role = roleIn(definition, entry, account);
      if (!isProduction(definition.accounts[account]!.stage) || role.expires !== undefined || hasEnded(role, now))
        return false;
      return role.trust.some((it) => isHuman(it) && countsIn(it, account) && it.expires === undefined);
    });
    if (endless.length === 0 || entry.marked !== undefined) return [];
    return [
      {
        severity: 'info',
        code: 'production-without-end',
        resource: `role/${key}`,
        message: `people may become it in ${endless.slice(0, 3).join(', ')}${endless.length > 3 ? ` and ${endless.length - 3} more` : ''} without an end`,
        hint: 'give the entry `expires`, or lend the role for an hour instead',
      },
    ];
  });
}

/** Roles whose sessions are longer than the stage's limit: written on purpose, so told only. */
function sessionFindings(definition: Definition): Finding[] {
  return Object.entries(definition.roles ?? {}).flatMap(([key, entry]): Finding[] => {
    const long = accountsOfRole(definition, entry).filter((account) => {
      const { stage } = definition.accounts[account]!;
      const longest =
        definition.defaults?.session === undefined ? defaultLimit(definition, 'session', stage) : undefined;
      return longest !== undefined && sessionSeconds(definition, entry, account) > longest;
    });
    if (long.length === 0) return [];
    const message = `its sessions in ${long.slice(0, 3).join(', ')}${long.length > 3 ? ` and ${long.length - 3} more` : ''} are longer than the default`;
    return [{ severity: 'info', code: 'session-long', resource: `role/${key}`, message }];
  });
}

type Edges = ReadonlyMap<string, readonly string[]>;

function trustEdges(definition: Definition): Edges {
  const edges = new Map<string, string[]>();
  for (const [key, entry] of Object.entries(definition.roles ?? {})) {
    for (const account of accountsOfRole(definition, entry)) {
      const role: RoleEntry = roleIn(definition, entry, account);
      const sources = role.trust
        .filter((it) => it.role !== undefined && countsIn(it, account))
        .map((it) => trustedRole(it.role!, account));
      edges.set(
        `${account}/${key}`,
        sources.map((source) => `${source.account}/${source.key}`),
      );
    }
  }
  return edges;
}

/** A way from `start` back to itself along the trust, shortest first; `undefined` when there is none. */
function cycleFrom(edges: Edges, start: string): string[] | undefined {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const next of edges.get(way.at(-1)!) ?? []) {
      if (next === start) return [...way, start];
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

/** Roles that trust each other in a ring: whoever holds one renews the sessions of all for ever. */
function cycleFindings(definition: Definition): Finding[] {
  const edges = trustEdges(definition);
  const told = new Set<string>();
  return [...edges.keys()].flatMap((start): Finding[] => {
    if (told.has(start)) return [];
    const ring = cycleFrom(edges, start);
    if (ring === undefined) return [];
    for (const role of ring) told.add(role);
    const [account, key] = start.split('/');
    return [
      {
        severity: 'warning',
        code: 'trust-cycle',
        account: account!,
        resource: `role/${definition.roles![key!]!.name ?? key}`,
        message: `is trusted in a ring, ${ring.toReversed().join(' > ')}: whoever is one of them renews the sessions of all, for ever`,
        hint: 'take one of the entries out of `trust`',
      },
    ];
  });
}

/** Findings about the choices of a definition, and about each default that is switched off. */
export function adviceFindings(definition: Definition, accounts: readonly WantedAccount[], now: Millis): Finding[] {
  return [
    ...accounts.flatMap((account) => carrierFindings(definition, account)),
    ...endlessFindings(definition, now),
    ...sessionFindings(definition),
    ...cycleFindings(definition),
    ...defaultFindings(definition),
  ];
}
