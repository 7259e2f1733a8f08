// The credential report: one row of CSV for the root user and for each user of the account, made once and kept
// for four hours. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
import type * as Sdk from '@aws-sdk/client-iam';
import { isoSeconds, type Millis } from '../../../base/index.ts';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { tableName, type TableName } from '../../world.ts';
import { signingCertificates } from './credential-model.ts';
import { idsUnder, permissionOnAll } from './entities.ts';
import {
  accessKeys,
  accountCreations,
  loginProfiles,
  mfaOfUser,
  passwordPolicies,
  users,
  type AccessKey,
  type User,
} from './model.ts';

interface Report {
  readonly content: Uint8Array;
  /** Until then it is being made. */
  readonly readyAt: Millis;
}

/** Id: the account. */
const reports = tableName<Report>('iam.credential-report');

const makingMillis = 1000;
const keptMillis = 4 * 3_600_000;
const dayMillis = 86_400_000;

const header =
  'user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,' +
  'mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,' +
  'access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,' +
  'access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,' +
  'cert_2_last_rotated';

const none = 'N/A';

function timeCell(time: Millis | undefined): string {
  return time === undefined ? none : isoSeconds(time);
}

function keyCells(key: AccessKey | undefined): readonly string[] {
  const used = key?.lastUsed;
  return [
    String(key?.status === 'Active'),
    timeCell(key?.createdAt),
    timeCell(used?.at),
    used?.region ?? none,
    used?.service ?? none,
  ];
}

/** The values under a user's name, of the root user when the name is empty. */
function owned<Value>(call: Call, table: TableName<Value>, id: string): readonly Value[] {
  return Array.from(idsUnder(call, table, `${id}/`), ([, value]) => value);
}

/** Password, MFA, keys and certificates of the user with this row id; the root user's is empty. */
function credentialCells(call: Call, id: string, lastUsed: Millis | undefined): readonly string[] {
  const keys = owned(call, accessKeys, id);
  const certificates = [...owned(call, signingCertificates, id)].sort(
    (a, b) => Number(a.status === 'Active') - Number(b.status === 'Active') || a.uploadedAt - b.uploadedAt,
  );
  return [
    ...passwordCells(call, id, lastUsed),
    String(owned(call, mfaOfUser, id).length > 0),
    ...keyCells(keys[0]),
    ...keyCells(keys[1]),
    ...[0, 1].flatMap((index) => [
      String(certificates[index]?.status === 'Active'),
      timeCell(certificates[index]?.uploadedAt),
    ]),
  ];
}

function passwordCells(call: Call, id: string, lastUsed: Millis | undefined): readonly string[] {
  const profile = call.world.table(loginProfiles).get(call.account, id);
  const rotation = id === '' ? 'not_supported' : none;
  if (profile === undefined) return ['false', none, none, rotation];
  const changedAt = profile.changedAt ?? profile.createdAt;
  const maxAge = call.world.table(passwordPolicies).get(call.account, call.account)?.MaxPasswordAge;
  const next = id === '' || maxAge === undefined ? rotation : isoSeconds(changedAt + maxAge * dayMillis);
  return ['true', lastUsed === undefined ? 'no_information' : isoSeconds(lastUsed), isoSeconds(changedAt), next];
}

function userRow(call: Call, id: string, user: User): string {
  const cells = [user.name, user.arn, isoSeconds(user.createdAt)];
  return csvRow([...cells, ...credentialCells(call, id, user.passwordLastUsedAt)]);
}

function rootRow(call: Call): string {
  const createdAt = call.world.table(accountCreations).get(call.account, call.account)?.createdAt ?? 0;
  const cells = ['<root_account>', `arn:${call.partition}:iam::${call.account}:root`, isoSeconds(createdAt)];
  return csvRow([...cells, ...credentialCells(call, '', undefined)]);
}

/** Names of users may hold commas. */
function csvRow(cells: readonly string[]): string {
  return cells.map((cell) => (cell.includes(',') ? `"${cell}"` : cell)).join(',');
}

function reportText(call: Call): string {
  const rows = [header, rootRow(call)];
  for (const [id, user] of call.world.table(users).list(call.account)) rows.push(userRow(call, id, user));
  return rows.join('\n');
}

function isExpired(report: Report, now: Millis): boolean {
  return now > report.readyAt + keptMillis;
}

const generateCredentialReport = operation<object, Sdk.GenerateCredentialReportResponse>({
  permissions: () => [permissionOnAll('GenerateCredentialReport')],
  handle: (_input, call) => {
    const now = call.clock.now();
    const known = call.world.table(reports).get(call.account, call.account);
    if (known !== undefined && !isExpired(known, now)) {
      return { State: now < known.readyAt ? 'INPROGRESS' : 'COMPLETE' };
    }
    const report: Report = { content: Buffer.from(reportText(call)), readyAt: now + makingMillis };
    call.world.table(reports).put(call.account, call.account, report);
    return { State: 'STARTED', Description: 'No report exists. Starting a new report generation task' };
  },
});

const getCredentialReport = operation<object, Sdk.GetCredentialReportResponse>({
  permissions: () => [permissionOnAll('GetCredentialReport')],
  handle: (_input, call) => {
    const now = call.clock.now();
    const report = call.world.table(reports).get(call.account, call.account);
    if (report === undefined) throw awsFailure('ReportNotPresent', 'Unknown');
    if (now < report.readyAt) throw awsFailure('ReportInProgress', 'Unknown');
    if (isExpired(report, now)) throw awsFailure('ReportExpired', 'Unknown');
    return { Content: report.content, ReportFormat: 'text/csv', GeneratedTime: new Date(report.readyAt) };
  },
});

export const credentialReportOperations = {
  GenerateCredentialReport: generateCredentialReport,
  GetCredentialReport: getCredentialReport,
};
