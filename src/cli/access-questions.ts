// What `can`, `who-can` and `diff` share: the options that choose whose access is asked about, and how a request is told.
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { isFailure, isoSeconds, nearestName, systemClock, systemRandom } from '../base/index.ts';
import {
  accessFailure,
  compileDefinition,
  definedDetails,
  findingLines,
  policyFileDetails,
  readLive,
  readPolicyFile,
  withResourcePolicy,
  type Finding,
  type LiveScope,
  type Unread,
} from '../access/index.ts';
import {
  accountOfArn,
  Directory,
  inSession,
  loadCatalog,
  policyCarrier,
  type AuthorizationDetails,
  type NamedDocument,
  type PolicyJson,
  type Question,
  type Subject,
} from '../policy/index.ts';
import { openAccounts, organizationRole, type AwsAccounts } from '../aws/index.ts';
import type { Io } from './command.ts';
import { addDefinitionOptions, loadChosen, openDefined, sleep, type DefinitionOptions } from './definition.ts';
import { cliFailure } from './failures.ts';
import { say } from './output.ts';

export interface SourceOptions extends DefinitionOptions {
  readonly live?: true;
  readonly policy?: readonly string[];
}

export interface RequestOptions {
  readonly context?: readonly string[];
  readonly without?: readonly string[];
  readonly resourceAccount?: string;
  readonly resourcePolicy?: string;
}

/** Adds the options of a source: the definition's, and `--live`. */
export function addSourceOptions(command: Command): Command {
  return addDefinitionOptions(command).option('--live', 'ask of what AWS holds now, not of what the definition makes');
}

/** Adds what tells of the request. */
export function addRequestOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--context <key=value...>', 'condition keys of the request, such as aws:MultiFactorAuthPresent=true'),
    )
    .addOption(new Option('--without <key...>', 'condition keys that the request has not'))
    .option('--resource-account <id>', 'account that owns the resource, where its ARN does not tell (S3)')
    .option('--resource-policy <file>', 'the policy of the resource: of its bucket, key, queue…')
    .option('--json', 'machine output');
}

/** `key=value`; a key given twice has both values. @throws Failure `value-invalid`. */
function contextOfPairs(pairs: readonly string[] | undefined): Record<string, string | string[]> {
  const context: Record<string, string | string[]> = {};
  for (const pair of pairs ?? []) {
    const at = pair.indexOf('=');
    if (at <= 0) {
      throw cliFailure('value-invalid', `\`${pair}\` gives no key a value`, {
        hint: 'write `--context aws:MultiFactorAuthPresent=true`',
      });
    }
    const [key, value] = [pair.slice(0, at), pair.slice(at + 1)];
    const held = context[key];
    context[key] = held === undefined ? value : [...[held].flat(), value];
  }
  return context;
}

/**
 * The question of a command line. The time of the request is now, unless told otherwise.
 * @throws Failure `value-invalid` for an action that does not exist, or a resource that is no ARN.
 */
export async function readQuestion(action: string, resource: string, options: RequestOptions): Promise<Question> {
  await checkAction(action);
  if (resource !== '*' && !/^arn:[^:]*:[^:]*:[^:]*:[^:]*:.+/.test(resource)) {
    throw cliFailure('value-invalid', `the resource \`${resource}\` is no ARN`, {
      hint: 'give an ARN, or `*` for an action that names no resource',
    });
  }
  const now = systemClock.now();
  const given = contextOfPairs(options.context);
  const told = new Set([...Object.keys(given), ...(options.without ?? [])].map((key) => key.toLowerCase()));
  const time = { 'aws:CurrentTime': isoSeconds(now), 'aws:EpochTime': String(Math.floor(now / 1000)) };
  const context = {
    ...Object.fromEntries(Object.entries(time).filter(([key]) => !told.has(key.toLowerCase()))),
    ...given,
  };
  return {
    action,
    resource,
    context,
    ...(options.without === undefined ? {} : { absent: options.without }),
    ...(options.resourceAccount === undefined ? {} : { resourceAccount: options.resourceAccount }),
  };
}

/** An action that is not in the catalogue may be new, unless it looks like a misprint. */
async function checkAction(action: string): Promise<void> {
  if (!/^[a-z0-9-]+:[A-Za-z0-9]+$/i.test(action)) {
    throw cliFailure('value-invalid', `\`${action}\` is no action`, {
      hint: 'write one as `service:Operation`, without wildcards',
    });
  }
  const catalog = await loadCatalog();
  if (catalog.action(action) !== undefined) return;
  const near = catalog.nearestAction(action) ?? nearestName(action, catalog.services);
  if (near !== undefined) {
    throw cliFailure('value-invalid', `there is no action \`${action}\``, { hint: `did you mean \`${near}\`?` });
  }
}

/** What has to be so, in one text. */
export function needsText(needs: readonly string[]): string {
  // An age says that there is one.
  return needs.join(' and ').replaceAll('with MFA and with MFA of the last ', 'with MFA of the last ');
}

/** What is said on the side where the resource may have a policy that nobody gave; nothing where it is not there at all. */
export function unreadPolicyNote(resource: string, findings: readonly Finding[]): string | undefined {
  if (findings.some(({ code }) => code === 'resource-missing')) return undefined;
  return `note: a policy of ${policyCarrier(resource)} itself is not read: it could allow more, or deny; \`--resource-policy FILE\` gives it`;
}

/** A question with everything that decides it. */
export interface Asked {
  readonly directory: Directory;
  /** As it is asked in the end: of the key where an alias was named, with the owner where it was found out. */
  readonly question: Question;
  /** Things that AWS did not show. */
  readonly unread: readonly Unread[];
  /** What is worth telling whatever the answer is. */
  readonly findings: readonly Finding[];
}

/**
 * What the options choose, ready to be asked. `principal` carries the policies of `--policy` files; with `--live` only
 * the accounts are read that its answer hangs on.
 * @throws Failure `policy-file-invalid`, `value-invalid`, `account-unreadable` and those of definitions.
 */
export async function askedOf(
  io: Io,
  options: SourceOptions & RequestOptions,
  question: Question,
  principal?: string,
): Promise<Asked> {
  const { policy, live } = options;
  const given = givenPolicy(io, options.resourcePolicy);
  if (policy !== undefined || live !== true) {
    const details =
      policy === undefined
        ? await definedOf(io, options)
        : ofPolicyFiles(io, policy, principal ?? 'policy', question.resource);
    return { ...readyFor(details, question, given), unread: [], findings: [] };
  }
  const { scope, accounts } = await liveScope(io, options);
  const { action, resource, resourceAccount } = question;
  const asked = { action, principal, resource, resourceAccount, hasPolicy: given !== undefined };
  const state = await readLive(scope, accounts, asked);
  const ready = readyFor(state.details, settled(question, state), given);
  return { ...ready, unread: state.unread, findings: state.findings };
}

/** The question with what was found out about its resource. */
function settled(
  question: Question,
  { resource, resourceAccount }: { readonly resource: string; readonly resourceAccount?: string | undefined },
): Question {
  const alias = resource === question.resource ? undefined : /alias\/.+$/.exec(question.resource)?.[0];
  return {
    ...question,
    resource,
    ...(resourceAccount === undefined ? {} : { resourceAccount }),
    ...(alias === undefined ? {} : { context: { 'kms:RequestAlias': alias, ...question.context } }),
  };
}

function givenPolicy(io: Io, file: string | undefined): PolicyJson | undefined {
  if (file === undefined) return undefined;
  const policy = readPolicyFile(resolve(io.cwd, file), 'resource');
  if (policy?.document !== undefined) return policy.document;
  throw noDocument(file);
}

const noDocument = (file: string): Error =>
  accessFailure('policy-file-invalid', `\`${file}\` is no policy document`, {
    hint: 'a policy document has a `Statement`',
  });

/** With the policy of what is asked about, where a file of it was given. */
function readyFor(
  details: AuthorizationDetails,
  question: Question,
  given: PolicyJson | undefined,
): Pick<Asked, 'directory' | 'question'> {
  if (given === undefined) return { directory: new Directory(details), question };
  const { resource, resourceAccount } = question;
  const only = details.accounts.length === 1 ? details.accounts[0]!.id : undefined;
  const owner = resourceAccount ?? accountOfArn(resource) ?? only;
  if (owner === undefined) {
    throw cliFailure('value-invalid', `the ARN \`${resource}\` does not tell whose it is`, {
      hint: 'give the account that owns it: `--resource-account ID`',
    });
  }
  const whole = withResourcePolicy(details, owner, policyCarrier(resource), given);
  return { directory: new Directory(whole), question };
}

/**
 * Somebody in a session that is made with the policies of these files.
 * @throws Failure `policy-file-invalid`; `value-invalid` for somebody who is no role.
 */
export function inSessionOf(io: Io, { directory }: Asked, subject: Subject, files: readonly string[]): Subject {
  if (subject.role === undefined) {
    throw cliFailure('value-invalid', `\`${subject.arn}\` is no role, so no session is made of it`, {
      hint: 'leave `--session-policy` out, or name the role that is assumed',
    });
  }
  return inSession(directory.shelf, subject, readPolicies(io, files));
}

function readPolicies(io: Io, files: readonly string[]): readonly NamedDocument[] {
  return files.map((file) => {
    const policy = readPolicyFile(resolve(io.cwd, file));
    if (policy === undefined) throw noDocument(file);
    return policy;
  });
}

function ofPolicyFiles(io: Io, files: readonly string[], principal: string, resource: string): AuthorizationDetails {
  return policyFileDetails(principal, readPolicies(io, files), accountOfArn(resource));
}

async function definedOf(io: Io, options: DefinitionOptions): Promise<AuthorizationDetails> {
  const { definition } = await loadChosen(io, options);
  return definedDetails(compileDefinition(definition, systemClock.now()));
}

/** The accounts of the definition; the caller's own where there is none. */
async function liveScope(
  io: Io,
  options: DefinitionOptions,
): Promise<{ readonly scope: LiveScope; readonly accounts: AwsAccounts }> {
  const loaded = await loadChosen(io, options).catch((error: unknown) => {
    if (options.config === undefined && isFailure(error) && error.code === 'definition-missing') return undefined;
    throw error;
  });
  if (loaded !== undefined) {
    const wanted = compileDefinition(loaded.definition, systemClock.now());
    return { scope: wanted, accounts: openDefined(io, wanted) };
  }
  const accounts = openOwn(io);
  const { account: id, partition } = await accounts.caller();
  return { scope: { partition, accounts: [{ id, name: id, stage: '', resources: [], console: [] }] }, accounts };
}

/** The findings that bear on an answer that hangs on `unknownPolicies`, each once. */
export function findingsFor({ unread, findings }: Asked, unknownPolicies: readonly string[]): readonly Finding[] {
  const matter = unread.filter(({ policy }) => unknownPolicies.includes(policy)).map(({ finding }) => finding);
  return [...new Set([...findings, ...matter])];
}

/** Tells findings to people. */
export function sayFindings(io: Io, findings: readonly Finding[]): void {
  for (const line of findingLines(findings)) say(io, line);
}

function openOwn(io: Io): AwsAccounts {
  return openAccounts({
    env: io.env,
    clock: systemClock,
    random: systemRandom,
    sleep,
    signal: io.signal,
    entryRoles: [organizationRole],
  });
}
