// `stint doctor`: what is to be put in order around a server: the rights of its key in AWS, and what it
// made there that no lease owns any more.
import { Option, type Command } from 'commander';
import {
  featureNames,
  features,
  keyPolicy,
  widestScope,
  type FeatureName,
  type RightsScope,
} from '../../broker/index.ts';
import {
  compileDefinition,
  executorPolicy,
  executorTrust,
  hubPolicy,
  liveHubPolicy,
  livePolicy,
} from '../../access/index.ts';
import { systemClock } from '../../base/index.ts';
import { askServer, type Connection } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { addDefinitionOptions, loadChosen, openDefined, type DefinitionOptions } from '../definition.ts';
import { cliFailure } from '../failures.ts';
import { addConnection, collected, examples } from '../lend/options.ts';
import { printData, printJson, say } from '../output.ts';

interface Options extends Connection, DefinitionOptions {
  readonly awsPolicy?: true;
  readonly feature?: readonly string[];
  readonly account?: string;
  readonly user?: readonly string[];
  readonly roleArn?: readonly string[];
  readonly executorArn?: readonly string[];
  readonly executorPolicy?: true;
  readonly readOnly?: true;
  readonly live?: true;
  readonly hub?: string;
  readonly boundary?: string;
  readonly orphans?: true;
  readonly remove?: true;
  readonly json?: true;
}

export function register(program: Command, io: Io): void {
  const doctor = program
    .command('doctor')
    .description('the rights that the server’s key needs in AWS, and what it left there')
    .option('--aws-policy', 'print the least IAM policy of the server’s key')
    .addOption(
      new Option('--feature <name>', 'only for this feature, again for more; all unless given').argParser(collected),
    )
    .option('--account <id>', 'of the key; any account unless given')
    .addOption(new Option('--user <path>', 'path and name of lent users, such as `vault-*`').argParser(collected))
    .addOption(new Option('--role-arn <arn>', 'a role that is lent; any unless given').argParser(collected))
    .addOption(new Option('--executor-arn <arn>', 'a role of config/accounts; any unless given').argParser(collected))
    .option(
      '--executor-policy',
      'print trust and least policy of the role by which a definition enters accounts, and what who enters needs of AWS Organizations',
    )
    .option('--read-only', 'with --executor-policy: of its twin for plan and drift')
    .option('--live', 'with --executor-policy: also what answers with `--live` read, as policies of their own')
    .option('--hub <arn>', 'with --executor-policy: the role or user that enters; who calls, unless given')
    .option('--boundary <arn>', 'with --executor-policy: a boundary that every role and user made must have')
    .option('--orphans', 'list what the server made in AWS and no lease owns')
    .option('--remove', 'with --orphans: remove it')
    .option('--json', 'print JSON');
  addDefinitionOptions(addConnection(doctor))
    .addHelpText('after', `\nFeatures:\n${featureNames.map((name) => `  ${name}: ${features[name].about}\n`).join('')}`)
    .addHelpText(
      'after',
      examples(
        'stint doctor --aws-policy --feature iam_user --feature user-cleanup --account 222222222222',
        'stint doctor --executor-policy --read-only --live',
        'stint doctor --orphans',
        'stint doctor --orphans --remove',
      ),
    )
    .action(async (options: Options) => {
      if (options.awsPolicy === true) printJson(io, policyOf(options));
      if (options.executorPolicy === true) printJson(io, await executorOf(io, options));
      if (options.orphans === true) await orphans(io, options);
      if (options.awsPolicy === undefined && options.executorPolicy === undefined && options.orphans === undefined) {
        throw cliFailure('usage', 'there is nothing to look at', {
          hint: 'give `--aws-policy`, `--executor-policy` or `--orphans`; `stint doctor --help` shows more',
        });
      }
    });
}

/** Name, trust and policy of the executor of the definition in this folder, and what its hub may do in Organizations. */
async function executorOf(io: Io, options: Options): Promise<object> {
  const { definition } = await loadChosen(io, options);
  const wanted = compileDefinition(definition, systemClock.now());
  const hub = options.hub ?? (await openDefined(io, wanted).caller()).arn;
  const [, , , , hubAccount = ''] = hub.split(':');
  const scope = { ...wanted, hubAccount, hubPrincipal: hub, boundary: options.boundary };
  // Organizations is asked only where the definition names an organisation or has guard rails.
  const asked =
    wanted.organization !== undefined || wanted.accounts.some(({ look }) => look?.includes('organization') === true);
  return {
    role: wanted.executor ?? 'stint-executor',
    trust: executorTrust(scope),
    policy: executorPolicy(scope, options.readOnly === true),
    ...(asked ? { hubPolicy: hubPolicy(scope, options.readOnly === true) } : {}),
    ...(options.live === true ? { livePolicy: livePolicy(scope.partition), liveHubPolicy: liveHubPolicy() } : {}),
  };
}

function policyOf(options: Options): unknown {
  const names = options.feature ?? featureNames;
  const scope: RightsScope = {
    ...widestScope,
    ...(options.account === undefined ? {} : { account: options.account }),
    ...(options.user === undefined ? {} : { users: options.user }),
    ...(options.roleArn === undefined ? {} : { roles: options.roleArn }),
    ...(options.executorArn === undefined ? {} : { executors: options.executorArn }),
  };
  return keyPolicy(names.map(checkFeature), scope);
}

function checkFeature(name: string): FeatureName {
  const found = featureNames.find((known) => known === name);
  if (found !== undefined) return found;
  throw cliFailure('invalid-option', `\`${name}\` is no feature`, { hint: `give one of: ${featureNames.join(', ')}` });
}

interface Orphan {
  readonly kind: string;
  readonly name: string;
  readonly account?: string;
  readonly role_arn?: string;
  readonly lease_id?: string;
  readonly removed?: boolean;
}

interface Looked {
  readonly orphans: readonly Orphan[];
  readonly errors: readonly string[];
}

async function orphans(io: Io, options: Options): Promise<void> {
  const method = options.remove === true ? 'POST' : 'GET';
  const looked: Record<string, Looked> = {};
  for (const mount of await awsMounts(io, options)) {
    const { body } = await askServer(io, method, `${mount}stint/orphans`, {}, options);
    looked[mount] = body['data'] as Looked;
  }
  if (options.json === true) printJson(io, looked);
  else printOrphans(io, looked);
  // As other checks: something that is not in order is not success.
  const left = Object.values(looked).some(
    (found) => found.errors.length > 0 || found.orphans.some(({ removed }) => removed !== true),
  );
  io.exit(left ? 1 : 0);
}

async function awsMounts(io: Io, connection: Connection): Promise<readonly string[]> {
  const { body } = await askServer(io, 'GET', 'sys/mounts', {}, connection);
  const mounts = Object.entries(body['data'] as Readonly<Record<string, { readonly type: string }>>);
  return mounts.filter(([, { type }]) => type === 'aws').map(([path]) => path);
}

function printOrphans(io: Io, looked: Readonly<Record<string, Looked>>): void {
  for (const [mount, found] of Object.entries(looked)) {
    for (const orphan of found.orphans) {
      const where = orphan.role_arn ?? orphan.account;
      const what = [mount, orphan.kind, orphan.name, where, orphan.lease_id].filter((part) => part !== undefined);
      const done = orphan.removed === undefined ? '' : orphan.removed ? '  removed' : '  not removed';
      printData(io, `${what.join('  ')}${done}`);
    }
    for (const error of found.errors) say(io, `${mount}: ${error}`);
    if (found.orphans.length === 0 && found.errors.length === 0) say(io, `${mount}: no orphans`);
  }
  if (Object.keys(looked).length === 0) say(io, 'no mount of the type aws');
}
