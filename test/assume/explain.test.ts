import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childEnvironment, runStint, startSts, temporaryHome } from './support.ts';

const serial = 'arn:aws:iam::111111111111:mfa/alice';
const config = `[profile mid]
role_arn = arn:aws:iam::222222222222:role/mid
source_profile = central
mfa_serial = ${serial}
external_id = x1
[profile end]
role_arn = arn:aws:iam::333333333333:role/end
source_profile = mid
session_tags = team=a,cost=1
transitive_session_tags = team
[profile long]
role_arn = arn:aws:iam::222222222222:role/long
source_profile = central
mfa_serial = ${serial}
duration_seconds = 43200
`;

interface Explained {
  readonly name: string;
  readonly args: readonly string[];
  readonly lines: readonly string[];
}

const policy = '{"Version":"2012-10-17","Statement":[]}';
const cases: readonly Explained[] = [
  {
    name: 'keys as they are',
    args: ['central'],
    lines: ["no call, from profile `central` (the source's own credentials: a session without MFA could not call IAM)"],
  },
  {
    name: 'a chain with MFA, tags and a policy',
    args: ['end', '--mfa-code', '123456', '--source-identity', 'alice', '--policy', policy],
    lines: [
      '1. GetSessionToken for 12h with an MFA code, from profile `central` (one MFA code serves every role of this source)',
      '2. AssumeRole arn:aws:iam::222222222222:role/mid as alice for 1h with an external id, source identity alice (assumed with temporary credentials)',
      '3. AssumeRole arn:aws:iam::333333333333:role/end as alice for 1h with tags team (handed down), cost, a session policy (assumed with temporary credentials)',
    ],
  },
  {
    name: 'a long role with MFA',
    args: ['long', '--mfa-code', '123456', '--session-name', 'night'],
    lines: [
      'AssumeRole arn:aws:iam::222222222222:role/long as night for 12h with an MFA code, from profile `central` (more than 1h is only given to long-term keys, so the code goes to this role alone)',
    ],
  },
];

for (const { name, args, lines } of cases) {
  test(`--explain tells the whole path and why: ${name}`, async (t) => {
    const sts = await startSts(t);
    const { stderr, stdout } = await runStint(
      'stint-credentials',
      [...args, '--explain'],
      childEnvironment(temporaryHome(t, config), sts),
    );
    assert.equal(stderr, lines.map((line) => `explain: ${line}\n`).join(''));
    assert.equal((JSON.parse(stdout) as { Version: number }).Version, 1);
  });
}

test('--explain tells which parts of the path were kept already', async (t) => {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, config), sts);
  await runStint('stint-credentials', ['mid', '--mfa-code', '123456'], env);
  const { stderr } = await runStint('stint-credentials', ['end', '--explain'], env);
  assert.match(
    stderr,
    /^explain: 1\. GetSessionToken .*\nexplain: 2\. .*\nexplain: 3\. .*\nexplain: kept session of arn:aws:iam::222222222222:role\/mid: ends in/,
  );
  const again = await runStint('stint-credentials', ['end', '--explain'], env);
  assert.match(
    again.stderr,
    /^explain: kept session of arn:aws:iam::333333333333:role\/end: ends in (?:1h|59m\d+s), at \S+Z\n$/,
  );
});
