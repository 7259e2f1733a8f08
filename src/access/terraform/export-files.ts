// The files of an export: one root for each account, or one for all with a provider alias for each. Pure: texts out.
import type { Json } from '../../base/index.ts';
import type { Wanted } from '../compile.ts';
import type { WantedAccount } from '../resources.ts';
import { exportOrganization } from './export-organization.ts';
import type { ExportedResource, ExportScope } from './export-parts.ts';
import { exportAccount } from './export-resources.ts';
import { printHcl, printJson, type Block, type Entry, type Expression } from './hcl.ts';

export interface ExportOptions {
  /** One root for all accounts, with a provider alias for each. */
  readonly singleRoot: boolean;
  /** `.tf.json` in place of `.tf`. */
  readonly jsonOnly: boolean;
  /** Whether Stint's own tags are written. Without them Terraform takes them off what Stint made. */
  readonly marks: boolean;
  /** Blocks that import what AWS has already. */
  readonly imports: boolean;
  /** Name of the account whose credentials Terraform runs with; it is entered by no role. */
  readonly home: string | undefined;
  /** Role by which the other accounts are entered. */
  readonly entryRole: string;
  /** Per root: addresses that an earlier export held. */
  earlier(root: string): readonly string[];
}

export interface ExportRoot {
  /** Folder below the target; empty for the target itself. */
  readonly folder: string;
  /** Texts by file name. */
  readonly files: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  /** Addresses that earlier exports held and this one does not: Terraform forgets them and destroys nothing. */
  readonly removed: readonly string[];
}

const value = (json: Json): Expression => ({ value: json });
const block = (kind: string, labels: readonly string[], entries: readonly Entry[], comment?: string): Block => ({
  kind,
  labels,
  entries,
  comment,
});

function settingsBlocks(): Block[] {
  const aws: Entry = ['aws', value({ source: 'hashicorp/aws', version: '>= 5.0' })];
  return [
    block(
      'terraform',
      [],
      [
        // `removed` blocks came with 1.7, import blocks with 1.5.
        ['required_version', value('>= 1.7')],
        ['required_providers', block('required_providers', [], [aws])],
      ],
    ),
    block(
      'variable',
      ['region'],
      [
        ['description', value('Region of the calls; IAM itself has none')],
        ['default', value('us-east-1')],
      ],
    ),
    block(
      'variable',
      ['entry_role'],
      [
        ['description', value('Role by which the accounts are entered from the one whose credentials are used')],
        ['default', value('')],
      ],
    ),
  ];
}

function withEntryRole(blocks: readonly Block[], role: string): Block[] {
  return blocks.map((it) =>
    it.labels[0] !== 'entry_role'
      ? it
      : {
          ...it,
          entries: it.entries.map((entry): Entry => (entry[0] === 'default' ? ['default', value(role)] : entry)),
        },
  );
}

function providerBlock(wanted: Wanted, account: WantedAccount, options: ExportOptions): Block {
  const alias: Entry[] = options.singleRoot ? [['alias', value(account.name)]] : [];
  const role: Expression = { template: `arn:${wanted.partition}:iam::${account.id}:role/\${var.entry_role}` };
  const enter: Entry[] =
    account.name === options.home ? [] : [['assume_role', block('assume_role', [], [['role_arn', role]])]];
  return block(
    'provider',
    ['aws'],
    [...alias, ['region', { refer: 'var.region' }], ['allowed_account_ids', value([account.id])], ...enter],
  );
}

function importBlocks(resources: readonly ExportedResource[]): Block[] {
  return resources.map(({ address, importId }) =>
    block(
      'import',
      [],
      [
        ['to', { refer: address }],
        ['id', importId],
      ],
    ),
  );
}

function removedBlocks(addresses: readonly string[]): Block[] {
  return addresses.map((address) =>
    block(
      'removed',
      [],
      [
        ['from', { refer: address }],
        ['lifecycle', block('lifecycle', [], [['destroy', value(false)]])],
      ],
    ),
  );
}

/** Outputs whose value is the ARN of something in this root, by reference; texts of other accounts are left to theirs. */
function outputBlocks(
  wanted: Wanted,
  accounts: readonly WantedAccount[],
  resources: readonly ExportedResource[],
): Block[] {
  const addresses = new Map(resources.map(({ arn, address }) => [arn, address]));
  const here = (text: string): boolean =>
    accounts.length === wanted.accounts.length || accounts.some(({ id }) => text.includes(id));
  return Object.entries(wanted.outputs).flatMap(([name, text]) => {
    const address = addresses.get(text);
    if (address === undefined && !here(text)) return [];
    const spelt = name.replaceAll(/[^\w-]/g, '_').replace(/^(?![A-Za-z_])/, '_');
    return [block('output', [spelt], [['value', address === undefined ? value(text) : { refer: `${address}.arn` }]])];
  });
}

function rootOf(
  wanted: Wanted,
  folder: string,
  accounts: readonly WantedAccount[],
  options: ExportOptions,
): ExportRoot {
  const extension = options.jsonOnly ? 'tf.json' : 'tf';
  const print = options.jsonOnly ? printJson : printHcl;
  const files: Record<string, string> = {};
  const put = (name: string, header: string, blocks: readonly Block[]): void => {
    if (blocks.length > 0) files[`${name}.${extension}`] = print(header, blocks);
  };
  const perAccount = accounts.map((account) => {
    const scope: ExportScope = {
      account,
      partition: wanted.partition,
      provider: options.singleRoot ? `aws.${account.name}` : undefined,
      definition: wanted.definition,
      marks: options.marks,
    };
    return { account, resources: exportAccount(scope), organization: exportOrganization(scope, options.imports) };
  });
  const resources = perAccount.flatMap((it) => [...it.resources, ...it.organization.resources]);
  const addresses = resources.map(({ address }) => address);
  const removed = options.earlier(folder).filter((address) => !addresses.includes(address));
  const providers = accounts.map((account) => providerBlock(wanted, account, options));
  put('providers', `Written by \`stint export terraform\` from the definition ${wanted.definition}.`, [
    ...withEntryRole(settingsBlocks(), options.entryRole),
    ...providers,
  ]);
  const blocksOf = (list: readonly ExportedResource[]): Block[] => list.map((it) => it.block);
  for (const { account, resources: own } of perAccount) {
    put(`account-${account.name}`, `Account ${account.name} ${account.id}.`, blocksOf(own));
  }
  const organization = perAccount.flatMap((it) => [...blocksOf(it.organization.resources), ...it.organization.lookups]);
  put('organization', 'Guard rails of the organisation, and what of it is looked up.', organization);
  put('outputs', 'Outputs of the definition.', outputBlocks(wanted, accounts, resources));
  put(
    'removed',
    'No part of the definition any more: Terraform forgets these and destroys nothing.',
    removedBlocks(removed),
  );
  if (options.imports) {
    put('imports', 'What AWS has already. After the first apply this file has done its work.', importBlocks(resources));
  }
  return { folder, files, addresses, removed };
}

/** All roots of an export. Accounts that shall hold nothing have none of their own. */
export function exportRoots(wanted: Wanted, options: ExportOptions): ExportRoot[] {
  if (options.singleRoot) return [rootOf(wanted, '', wanted.accounts, options)];
  return wanted.accounts
    .filter(({ name, resources }) => resources.length > 0 || options.earlier(name).length > 0)
    .map((account) => rootOf(wanted, account.name, [account], options));
}
