// Where the answers about access come from when AWS is not asked: a definition, or plain policy documents.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { isObject } from '../base/index.ts';
import {
  managedDocuments,
  parsePolicy,
  type AccountDetails,
  type AuthorizationDetails,
  type NamedDocument,
  type PolicyJson,
} from '../policy/index.ts';
import { authorizationBefore, managedArns, unitsOf } from './authorization.ts';
import type { Wanted } from './compile.ts';
import { accessFailure } from './failures.ts';
/** What a definition makes, and nothing else: people's and others' own things in AWS are not in it. */
export async function definedDetails({ partition, organization, accounts }: Wanted): Promise<AuthorizationDetails> {
  const managed = await managedDocuments(managedArns(accounts));
  return authorizationBefore({ partition, organization, managed, units: unitsOf(accounts) }, accounts);
}

/**
 * A policy document of a file; `undefined` when the file is JSON of another kind.
 * @throws Failure `policy-file-invalid`, with line and column.
 */
export function readPolicyFile(file: string, kind?: 'resource'): NamedDocument | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw accessFailure('policy-file-invalid', `cannot read \`${file}\``, {
      hint: 'give the path of a JSON file',
      cause,
    });
  }
  const isPolicy = /"Statement"\s*:/.test(text);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    if (!isPolicy) return undefined;
    throw accessFailure(
      'policy-file-invalid',
      `\`${file}\` is not JSON: ${cause instanceof Error ? cause.message : ''}`,
      { cause },
    );
  }
  if (!isObject(document) || !('Statement' in document)) return undefined;
  const { problems } = parsePolicy(text, kind ?? (isTrustText(text) ? 'trust' : 'identity'));
  const [first] = problems;
  if (first === undefined) return { name: basename(file), document: document as unknown as PolicyJson };
  throw accessFailure('policy-file-invalid', `${file}:${first.line}:${first.column}: ${first.message}`, {
    hint: first.hint,
  });
}

/** The details with this policy of a resource of `owner`, whose account they may not hold yet; grants of it stay. */
export function withResourcePolicy(
  details: AuthorizationDetails,
  owner: string,
  arn: string,
  document: PolicyJson,
): AuthorizationDetails {
  const partition = /^arn:([^:]+):/.exec(arn)?.[1] ?? 'aws';
  const stranger: AccountDetails = { id: owner, partition, users: [], groups: [], roles: [], scps: [], rcps: [] };
  const accounts = details.accounts.some(({ id }) => id === owner) ? details.accounts : [...details.accounts, stranger];
  return {
    ...details,
    accounts: accounts.map((account) => {
      if (account.id !== owner) return account;
      const held = account.resourcePolicies ?? [];
      const grants = held.find((it) => it.arn === arn)?.grants;
      return {
        ...account,
        resourcePolicies: [...held, { arn, document, ...(grants === undefined ? {} : { grants }) }],
      };
    }),
  };
}

const isTrustText = (text: string): boolean => /"(?:Not)?Principal"\s*:/.test(text);

/** Whether the document says who may become a role rather than what somebody may do. */
function isTrust({ document }: NamedDocument): boolean {
  return document !== undefined && isTrustText(JSON.stringify(document));
}

/** The account that stands for "some account" where policy files name none. */
const someAccount = '123456789012';

/** One principal, a role unless its ARN is of a user, that carries the policies of files. Without an ARN it is of `account`. */
export function policyFileDetails(
  principal: string,
  policies: readonly NamedDocument[],
  account = someAccount,
): AuthorizationDetails {
  const [, partition = 'aws', id = account, kind = 'role', path = principal] =
    /^arn:([^:]+):iam::(\d{12}):(user|role)\/(.+)$/.exec(principal) ?? [];
  const name = path.slice(path.lastIndexOf('/') + 1);
  const trust = policies.find(isTrust)?.document ?? { Version: '2012-10-17', Statement: [] };
  const one = {
    arn: `arn:${partition}:iam::${id}:${kind}/${path}`,
    name,
    path: `/${path.slice(0, path.length - name.length)}`,
    policies: policies.filter((it) => !isTrust(it)),
    tags: {},
  };
  return {
    accounts: [
      {
        id,
        ...(id === someAccount ? { name: 'files' } : {}),
        partition,
        users: kind === 'user' ? [{ ...one, groups: [] }] : [],
        groups: [],
        roles: kind === 'role' ? [{ ...one, trust }] : [],
        scps: [],
        rcps: [],
      },
    ],
  };
}
