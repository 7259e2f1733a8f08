// What `can`, `who-can` and `diff` share: the options that choose whose access is asked about, and how a request is told.
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { isFailure, isoSeconds, nearestName, systemClock, systemRandom } from '../base/index.ts';
import {
  callerDetails,
  compileDefinition,
  definedDetails,
  liveDetails,
  policyFileDetails,
  readPolicyFile,
  accessFailure,
  withResourcePolicy,
} from '../access/index.ts';
import { accountOfArn, bucketOf, loadCatalog, type AuthorizationDetails, type Question } from '../policy/index.ts';
import { openAccounts, organizationRole } from '../aws/index.ts';
import type { Io } from './command.ts';
import { addDefinitionOptions, loadChosen, openDefined, sleep, type DefinitionOptions } from './definition.ts';
import { cliFailure } from './failures.ts';

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

/**
 * The accounts with the policy of what is asked about, where a file of it was given.
 * @throws Failure `policy-file-invalid`; `value-invalid` where nobody tells whose the resource is.
 */
export function withGivenPolicy(
  io: Io,
  details: AuthorizationDetails,
  { resource, resourceAccount }: Question,
  file: string | undefined,
): AuthorizationDetails {
  if (file === undefined) return details;
  const policy = readPolicyFile(resolve(io.cwd, file), 'resource');
  if (policy?.document === undefined) {
    throw accessFailure('policy-file-invalid', `\`${file}\` is no policy document`, {
      hint: 'a policy document has a `Statement`',
    });
  }
  const only = details.accounts.length === 1 ? details.accounts[0]!.id : undefined;
  const owner = resourceAccount ?? accountOfArn(resource) ?? only;
  if (owner !== undefined) return withResourcePolicy(details, owner, bucketOf(resource), policy.document);
  throw cliFailure('value-invalid', `the ARN \`${resource}\` does not tell whose it is`, {
    hint: 'give the account that owns it: `--resource-account ID`',
  });
}

/** What has to be so, in one text. */
export function needsText(needs: readonly string[]): string {
  // An age says that there is one.
  return needs.join(' and ').replaceAll('with MFA and with MFA of the last ', 'with MFA of the last ');
}

/** What is said on the side where the resource may have a policy that nobody gave. */
export function unreadPolicyNote(resource: string): string {
  return `note: a policy of ${bucketOf(resource)} itself is not read: it could allow more, or deny; \`--resource-policy FILE\` gives it`;
}

/** The accounts that a command asks about. `asked.principal` carries the policies of `--policy` files. */
export async function chosenDetails(
  io: Io,
  options: SourceOptions,
  asked?: { readonly principal: string; readonly resource: string },
): Promise<AuthorizationDetails> {
  if (options.policy !== undefined) {
    const policies = options.policy.map((file) => {
      const policy = readPolicyFile(resolve(io.cwd, file));
      if (policy !== undefined) return policy;
      throw accessFailure('policy-file-invalid', `\`${file}\` is no policy document`, {
        hint: 'a policy document has a `Statement`',
      });
    });
    const account = /^\d{12}$/.exec(asked?.resource.split(':')[4] ?? '')?.[0];
    return policyFileDetails(asked?.principal ?? 'policy', policies, account);
  }
  const loaded = await loadChosen(io, options).catch((error: unknown) => {
    // Live accounts can be asked about without a definition: then the caller's own is meant.
    if (
      options.live === true &&
      options.config === undefined &&
      isFailure(error) &&
      error.code === 'definition-missing'
    )
      return undefined;
    throw error;
  });
  if (loaded === undefined) return callerDetails(openOwn(io));
  const wanted = compileDefinition(loaded.definition, systemClock.now());
  return options.live === true ? liveDetails(wanted, openDefined(io, wanted)) : definedDetails(wanted);
}

function openOwn(io: Io) {
  return openAccounts({
    env: io.env,
    clock: systemClock,
    random: systemRandom,
    sleep,
    signal: io.signal,
    entryRoles: [organizationRole],
  });
}
