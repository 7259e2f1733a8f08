import * as Iam from '@aws-sdk/client-iam';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { control } from '../support.ts';
import { allow, central, clientsOf, dev, makeUser, refused, rootKeys } from './clients.ts';

let cloud: Cloud;
let iam: Iam.IAMClient;
before(async () => {
  cloud = await startCloud();
  iam = clientsOf(cloud, dev).iam;
});
after(() => cloud.stop());

const generate = async () => {
  const { State, Description } = await iam.send(new Iam.GenerateCredentialReportCommand({}));
  return Description === undefined ? State : `${State}: ${Description}`;
};
const get = () => iam.send(new Iam.GetCredentialReportCommand({}));
const advance = (by: string) => control(cloud, 'POST', 'clock', { advance: by });

/** The report as objects, by user. */
async function rows(): Promise<Record<string, Record<string, string>>> {
  const { Content, ReportFormat } = await get();
  assert.equal(ReportFormat, 'text/csv');
  const [head, ...lines] = Buffer.from(Content!).toString().split('\n');
  const names = head!.split(',');
  assert.equal(names.length, 22);
  return Object.fromEntries(
    lines.map((line) => {
      const cells = line.split(',');
      return [cells[0]!, Object.fromEntries(names.map((name, index) => [name, cells[index]!]))];
    }),
  );
}

test('a credential report is asked for, made, kept for four hours and then made anew', async () => {
  await refused(get(), 'ReportNotPresent');
  const admin = clientsOf(cloud, dev);
  await makeUser(admin, 'Reported');
  await iam.send(new Iam.CreateLoginProfileCommand({ UserName: 'Reported', Password: 'Secret-123456' }));
  await iam.send(new Iam.UpdateAccountPasswordPolicyCommand({ MaxPasswordAge: 90 }));
  const started = 'STARTED: No report exists. Starting a new report generation task';
  assert.equal(await generate(), started);
  await refused(get(), 'ReportInProgress');
  assert.equal(await generate(), 'INPROGRESS');
  await advance('2s');
  assert.equal(await generate(), 'COMPLETE');
  const report = await rows();
  assert.deepEqual(Object.keys(report), ['<root_account>', 'admin', 'Reported']);
  const { arn, ...root } = report['<root_account>']!;
  assert.equal(arn, `arn:aws:iam::${dev}:root`);
  assert.equal(root['password_next_rotation'], 'not_supported');
  assert.equal(root['access_key_1_active'], 'true');
  const user = report['Reported']!;
  assert.match(user['user_creation_time']!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(user['password_enabled'], 'true');
  assert.equal(user['password_last_used'], 'no_information');
  const [changed, next] = [user['password_last_changed']!, user['password_next_rotation']!].map(Date.parse);
  assert.equal(next! - changed!, 90 * 86_400_000);
  assert.deepEqual(
    [user['mfa_active'], user['access_key_1_active'], user['access_key_1_last_used_service'], user['cert_1_active']],
    ['false', 'true', 'N/A', 'false'],
  );
  assert.deepEqual([user['access_key_2_active'], user['access_key_2_last_rotated']], ['false', 'N/A']);
  assert.equal(report['admin']!['access_key_1_last_used_service'], 'iam');
  await makeUser(admin, 'later');
  assert.equal(Object.keys(await rows()).length, 3);
  await advance('4h5m');
  await refused(get(), 'ReportExpired');
  assert.equal(await generate(), started);
});

test('making and reading the report are two permissions', async () => {
  const maker = clientsOf(
    cloud,
    await makeUser(clientsOf(cloud, dev), 'maker', allow('iam:GenerateCredentialReport')),
  ).iam;
  await maker.send(new Iam.GenerateCredentialReportCommand({}));
  await refused(
    maker.send(new Iam.GetCredentialReportCommand({})),
    'AccessDenied',
    'iam:GetCredentialReport on resource: *',
  );
});

test('the root user has a password of its own, which the report and the summary tell of', async () => {
  const root = clientsOf(cloud, rootKeys(cloud, central)).iam;
  const summary = async () =>
    (await root.send(new Iam.GetAccountSummaryCommand({}))).SummaryMap!.AccountPasswordPresent;
  const profile = () => root.send(new Iam.GetLoginProfileCommand({}));
  await refused(profile(), 'NoSuchEntity', 'Login Profile for User null cannot be found.');
  assert.equal(await summary(), 0);
  const { LoginProfile } = await root.send(new Iam.CreateLoginProfileCommand({}));
  assert.deepEqual(Object.keys(LoginProfile!).sort(), ['CreateDate', 'PasswordResetRequired']);
  await refused(
    root.send(new Iam.CreateLoginProfileCommand({})),
    'EntityAlreadyExists',
    `Login Profile for account ${central} already exists.`,
  );
  assert.equal(await summary(), 1);
  await root.send(new Iam.DeleteLoginProfileCommand({}));
  await refused(profile(), 'NoSuchEntity');
  const { User } = await root.send(new Iam.GetUserCommand({}));
  assert.deepEqual(Object.keys(User!).sort(), ['Arn', 'CreateDate', 'UserId']);
  assert.ok(Math.abs(User!.CreateDate!.getTime() - Date.now()) < 86_400_000);
});
