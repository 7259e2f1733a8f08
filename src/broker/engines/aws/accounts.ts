// config/accounts/:account of the AWS engine: further accounts in which one mount lends, each reached by
// keys of its own or through a role there that the mount's key assumes (the executor).
import type { Json } from '../../../base/index.ts';
import { stsSdk } from '../../aws-sdk.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldValues } from '../../fields.ts';
import type { EngineAnswer, EngineCall, Folder } from '../engine.ts';
import { arnProblem } from './arns.ts';
import { told } from './aws-errors.ts';
import { AwsClients, type Environment, type KeyPair } from './clients.ts';
import type { AwsWatch } from './watch.ts';
import type { RootConfig } from './config.ts';

interface AccountConfig {
  readonly version: 1;
  /** The executor; empty when the account has keys of its own. */
  readonly roleArn: string;
  readonly externalId: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Empty: as config/root has it. */
  readonly region: string;
  readonly iamEndpoint: string;
  readonly stsEndpoint: string;
  /** Deleted accounts lend nothing any more, but still end what they lent. */
  readonly deleted: boolean;
}

export const accountFields = {
  account: 'string',
  role_arn: 'string',
  external_id: 'string',
  access_key: 'string',
  secret_key: 'string',
  region: 'string',
  iam_endpoint: 'string',
  sts_endpoint: 'string',
} as const;

type Fields = FieldValues<typeof accountFields>;

const folderName = 'config/accounts/';
/** The longest session of an assumed role whose caller is no session itself. */
const executorSeconds = 3600;

async function loadAccount(folder: Folder, account: string): Promise<AccountConfig | undefined> {
  return (await folder.get<AccountConfig>(`${folderName}${account}`))?.value;
}

/** Ids of the accounts that lend. */
export async function accountsOf(folder: Folder): Promise<readonly string[]> {
  const ids = await folder.list(folderName);
  const found = await Promise.all(
    ids.map(async (id) => ((await loadAccount(folder, id))?.deleted === false ? id : '')),
  );
  return found.filter((id) => id !== '');
}

export async function listAccounts({ folder }: EngineCall): Promise<EngineAnswer> {
  const keys = await accountsOf(folder);
  return keys.length === 0 ? {} : { data: { keys } };
}

export async function handleAccount({ operation, folder }: EngineCall, fields: Fields): Promise<EngineAnswer> {
  const { account = '' } = fields;
  const key = `${folderName}${account}`;
  if (operation === 'delete') {
    await folder.change<AccountConfig>(key, (before) =>
      before === undefined ? undefined : { ...before, deleted: true },
    );
    return {};
  }
  if (operation === 'read') {
    const found = await loadAccount(folder, account);
    return found === undefined || found.deleted ? {} : { data: accountData(found) };
  }
  await folder.change<AccountConfig>(key, (before) => changed(account, before, fields));
  return {};
}

function changed(account: string, before: AccountConfig | undefined, fields: Fields): AccountConfig {
  const kept = before?.deleted === false ? before : undefined;
  const next: AccountConfig = {
    version: 1,
    roleArn: fields.role_arn ?? kept?.roleArn ?? '',
    externalId: fields.external_id ?? kept?.externalId ?? '',
    accessKey: fields.access_key ?? kept?.accessKey ?? '',
    secretKey: fields.secret_key ?? kept?.secretKey ?? '',
    region: fields.region ?? kept?.region ?? '',
    iamEndpoint: fields.iam_endpoint ?? kept?.iamEndpoint ?? '',
    stsEndpoint: fields.sts_endpoint ?? kept?.stsEndpoint ?? '',
    deleted: false,
  };
  const problems = problemsOf(account, next);
  if (problems.length === 0) return next;
  throw brokerFailure('bad-request', problems.join('; '), {
    hint: 'give `role_arn`, a role of that account which trusts the key of config/root; or `access_key` and `secret_key`',
  });
}

function problemsOf(account: string, config: AccountConfig): readonly string[] {
  const problems: string[] = [];
  if (!/^\d{12}$/.test(account)) problems.push(`\`${account}\` is not the id of an account: it has 12 digits`);
  if ((config.accessKey === '') !== (config.secretKey === '')) {
    problems.push('`access_key` and `secret_key` belong together: give both or neither');
  }
  if ((config.roleArn === '') === (config.accessKey === '')) {
    problems.push('an account is reached by `role_arn` or by `access_key`: give one of them');
  }
  if (config.roleArn !== '') {
    const problem = arnProblem('role', config.roleArn);
    if (problem !== undefined) problems.push(`role_arn: ${problem}`);
    else if (config.roleArn.split(':')[4] !== account) problems.push(`role_arn: it is not of the account ${account}`);
  }
  return problems;
}

function accountData({
  roleArn,
  externalId,
  accessKey,
  region,
  iamEndpoint,
  stsEndpoint,
}: AccountConfig): Record<string, Json> {
  return {
    role_arn: roleArn,
    external_id: externalId,
    access_key: accessKey,
    region,
    iam_endpoint: iamEndpoint,
    sts_endpoint: stsEndpoint,
  };
}

/** A chained session lives an hour at most, whatever the role allows: IAM user guide, "Role chaining". */
export const chainedSeconds = 3600;

/** What the mount acts with in its own account. */
export interface OwnAws {
  readonly config: RootConfig;
  readonly clients: AwsClients;
}

interface Made {
  /** What they were made from. */
  readonly own: AwsClients;
  readonly version: string;
  readonly clients: AwsClients;
}

/** Clients of accounts, made when first needed and anew when a configuration changed. */
export class AccountClients {
  readonly #environment: Environment;
  readonly #watch: AwsWatch | undefined;
  readonly #clients = new Map<string, Made>();
  readonly #former: AwsClients[] = [];

  constructor(environment: Environment, watch: AwsWatch | undefined) {
    this.#environment = environment;
    this.#watch = watch;
  }

  /** Also of a deleted account, for leases that are not over. @throws Failure `bad-request` when there is none. */
  async of(
    mountId: string,
    folder: Folder,
    account: string,
    own: OwnAws,
  ): Promise<{ clients: AwsClients; madeBy: string }> {
    const found = await folder.get<AccountConfig>(`${folderName}${account}`);
    if (found === undefined) throw unknownAccount(account);
    const { value } = found;
    const madeBy = value.accessKey || value.roleArn;
    const name = `${mountId}/${account}`;
    const { version } = found;
    const known = this.#clients.get(name);
    if (known?.own === own.clients && known.version === version) return { clients: known.clients, madeBy };
    // Calls under way still use the former clients: they are let go of only at the end.
    if (known !== undefined) this.#former.push(known.clients);
    const clients = this.#make(value, own);
    this.#clients.set(name, { own: own.clients, version, clients });
    return { clients, madeBy };
  }

  close(): void {
    for (const { clients } of this.#clients.values()) clients.destroy();
    for (const clients of this.#former.splice(0)) clients.destroy();
    this.#clients.clear();
  }

  #make(account: AccountConfig, { config, clients }: OwnAws): AwsClients {
    const overlaid: RootConfig = {
      ...config,
      accessKey: account.accessKey,
      secretKey: account.secretKey,
      region: account.region || config.region,
      iamEndpoint: account.iamEndpoint || config.iamEndpoint,
      stsEndpoint: account.stsEndpoint || config.stsEndpoint,
    };
    if (account.roleArn === '') return new AwsClients(overlaid, this.#environment, undefined, this.#watch);
    return new AwsClients(overlaid, this.#environment, () => executorKeys(clients, account), this.#watch);
  }
}

async function executorKeys(own: AwsClients, { roleArn, externalId }: AccountConfig): Promise<KeyPair> {
  const { AssumeRoleCommand } = await stsSdk();
  const sts = await own.sts();
  const { Credentials } = await told(
    `Error assuming the role of the account: `,
    sts.send(
      new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: 'stint',
        DurationSeconds: executorSeconds,
        ...(externalId === '' ? {} : { ExternalId: externalId }),
      }),
    ),
  );
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '', Expiration } = Credentials ?? {};
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    ...(Expiration === undefined ? {} : { expiration: Expiration }),
  };
}

/**
 * How an account is reached: the mount's own (the empty name), by keys, or by a role; a role's session gets
 * chained roles only, and no tokens. @throws Failure `bad-request` when the mount does not lend there.
 */
export async function wayTo(folder: Folder, account: string): Promise<'own' | 'keys' | 'role'> {
  if (account === '') return 'own';
  const found = await loadAccount(folder, account);
  if (found === undefined || found.deleted) throw unknownAccount(account);
  return found.roleArn === '' ? 'keys' : 'role';
}

function unknownAccount(account: string): Error {
  return brokerFailure('bad-request', `the account \`${account}\` is none of config/accounts`, {
    hint: `write \`config/accounts/${account}\` first`,
  });
}
