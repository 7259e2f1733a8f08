// Writes docs/cloud.md: every operation of the embedded AWS and how deep it goes, from the services
// themselves. With `--check` it writes nothing and fails when the page is not fresh.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Service, ServiceId } from '../src/cloud/call.ts';
import { serviceModel } from '../src/cloud/protocol/models.ts';
import { serviceIds, Services } from '../src/cloud/services/index.ts';
import { unofferedReasons } from './unoffered-reasons.ts';

const file = 'docs/cloud.md';

const titles: Readonly<Record<ServiceId, string>> = {
  iam: 'IAM',
  sts: 'STS',
  organizations: 'Organizations',
  s3: 'S3',
  ec2: 'EC2',
  kms: 'KMS',
  dynamodb: 'DynamoDB',
  cloudtrail: 'CloudTrail',
};

function rowsOf(service: Service): readonly string[] {
  return Object.entries(service.operations)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { depth }]) => `| ${name} | ${sentence(depth ?? 'complete')} |`);
}

/** Names and reasons where a reader can take them in; of EC2's hundreds only the number. */
function notOffered(id: ServiceId, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  if (names.length > 200) return [`Known by name and not offered: ${names.length} others.`, ''];
  const reasons = unofferedReasons[id] ?? [];
  const left = names.filter((name) => !reasons.some((reason) => reason.names.test(name)));
  // A name belongs to the first group it matches.
  const groups = reasons.map(({ why }, index) => {
    const group = names.filter((name) => reasons.findIndex((reason) => reason.names.test(name)) === index);
    return group.length === 0 ? '' : `- ${group.join(', ')}: ${why}.`;
  });
  return [
    'Known by name and not offered:',
    '',
    ...groups.filter((line) => line !== ''),
    ...(left.length === 0 ? [] : [`- ${left.join(', ')}.`]),
    '',
  ];
}

function sentence(text: string): string {
  return /^[A-Z][a-z]/.test(text)
    ? `${text.charAt(0).toLowerCase()}${text.slice(1)}`.replace(/\.$/, '')
    : text.replace(/\.$/, '');
}

function sectionOf(service: Service): string {
  const offered = new Set(Object.keys(service.operations));
  const others = Object.keys(serviceModel(service.id).operations)
    .filter((name) => !offered.has(name))
    .sort();
  return [
    `## ${titles[service.id]}: ${offered.size} operations`,
    '',
    '| Operation | How deep |',
    '|---|---|',
    ...rowsOf(service),
    '',
    ...notOffered(service.id, others),
  ].join('\n');
}

/** What is no operation and yet asked about. */
const beside = [
  '## Accounts that calls make',
  '',
  'An account of `organizations:CreateAccount` is entered as in AWS: the management account assumes the role it was made with',
  '(`OrganizationAccountAccessRole` unless named). It has no user and no root key, so the credentials file does not list it. It',
  'is kept by `--state` and goes with a reset. CreateAccount answers `IN_PROGRESS`; the first look at the request says how it ended.',
  'An account that was made so may leave the organisation after four days of emulated time; the quota',
  '`DaysUntilCreatedAccountMayLeave` of the organisation file changes that.',
  '',
  '## Signing in to the console',
  '',
  '`GET /federation?Action=getSigninToken&Session=…` and `?Action=login&SigninToken=…&Destination=…` answer on the same port, and',
  'under the hosts `signin.aws.amazon.com` and the like. A token is good for one sign-in within 15 minutes of emulated time. A',
  'destination on this machine is redirected to, with a session cookie; for any other a page says who is signed in, until when.',
  '`/oauth?Action=logout` ends the session of the cookie, and goes on to a `redirect_uri` on this machine.',
  '`/switchrole?account=…&roleName=…&displayName=…` says which role would be switched to. All of it stands in the events, as service',
  '`signin`.',
  '',
];

async function page(): Promise<string> {
  const known = new Services();
  const services: Service[] = [];
  for (const id of serviceIds) services.push((await known.get(id))!);
  const operations = services.reduce((sum, service) => sum + Object.keys(service.operations).length, 0);
  return [
    '# The embedded AWS: operations',
    '',
    `${operations} operations of ${services.length} services, on one port of this machine, for every account. Every call's signature is`,
    'verified and every call is authorised by IAM’s whole evaluation, with no bypass. What is not offered answers 400 in the form',
    'of its service and names the operation. Instances have IMDSv2 on a loopback port each. “complete” means: what AWS documents',
    'of the operation, as far as it concerns what is offered.',
    '',
    'How it is run and used: [test your IAM](test-your-iam.md). Its clock, delays, faults, events, explanations and state:',
    '[a world under control](cloud-control.md). This page is generated from the source: `npm run generate:docs`.',
    '',
    ...services.map(sectionOf),
    ...beside,
  ].join('\n');
}

const text = await page();
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error(`${file} is not fresh: run \`npm run generate:docs\``);
  process.exitCode = 1;
}
