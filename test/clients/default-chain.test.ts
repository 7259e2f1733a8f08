// Programs that find their credentials by themselves where AWS would give them: on an instance, in a task, with a token
// in a file. The AWS SDK for JavaScript in a process of its own, boto3 and the AWS CLI, each allowed and refused.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { dev, clientsOf, execIn, keyless, makePlaces, policy, webEnvironment, webToken } from './places.ts';
import { run, skipWithout, startCloudProcess, temporaryFolder, type Environment } from './support.ts';

type Seen = Readonly<Record<string, string>>;

const javaScript = [process.execPath, 'test/clients/programs/who.mjs'];
const python = ['python', 'test/clients/programs/who.py'];

/** Places to run a command in. */
async function openPlaces(t: TestContext) {
  const cloud = await startCloudProcess(t);
  const folder = temporaryFolder(t);
  const { roleArn, instanceId } = await makePlaces(cloud);
  const fileWith = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const [own, foreign] = await Promise.all(
    ['repo:acme/app:ref:refs/heads/main', 'repo:acme/other:ref:refs/heads/main'].map((subject) =>
      webToken(cloud, subject),
    ),
  );
  const response = await fetch(`${cloud.endpoint}/_stint/tasks`, {
    method: 'POST',
    headers: { 'x-stint-control': cloud.controlToken },
    body: JSON.stringify({ roleArn }),
  });
  const task = (await response.json()) as { taskId: string; credentialsUri: string; authorizationToken: string };
  const running = (env: Environment) => (command: readonly string[]) => run(command[0]!, command.slice(1), env);
  const pod = (token: string) => ({
    ...keyless(cloud.admin('dev')),
    AWS_CONTAINER_CREDENTIALS_FULL_URI: task.credentialsUri,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: token,
  });
  return {
    cloud,
    instanceId,
    taskId: task.taskId,
    instance: (command: readonly string[]) => execIn(cloud, instanceId, command),
    task: (command: readonly string[]) => execIn(cloud, roleArn, command),
    pod: running(pod(fileWith('pod', task.authorizationToken))),
    foreignPod: running(pod(fileWith('foreign-pod', 'another'))),
    workflow: running(webEnvironment(cloud, roleArn, fileWith('own', own!))),
    foreignWorkflow: running(webEnvironment(cloud, roleArn, fileWith('foreign', foreign!))),
  };
}

type Places = Awaited<ReturnType<typeof openPlaces>>;
type PlaceName = 'instance' | 'task' | 'pod' | 'foreignPod' | 'workflow' | 'foreignWorkflow';

async function seenBy(places: Places, place: PlaceName, command: readonly string[]): Promise<Seen> {
  const { code, stdout, stderr } = await places[place](command);
  assert.equal(code, 0, `${place}: ${stderr}`);
  const { arn = '', ...rest } = JSON.parse(stdout) as Seen;
  return arn === '' ? rest : { session: arn.replace(`arn:aws:sts::${dev}:assumed-role/app/`, ''), ...rest };
}

const may = { list: 'allowed', create: 'AccessDenied' };

/** What a program sees in each place; a task that `exec` starts has a name of its own. */
async function seenEverywhere(places: Places, command: readonly string[]): Promise<Readonly<Record<string, Seen>>> {
  const names = ['instance', 'task', 'pod', 'foreignPod', 'workflow', 'foreignWorkflow'] as const;
  const seen = await Promise.all(names.map((place) => seenBy(places, place, command)));
  const { session, ...task } = seen[1]!;
  assert.match(session!, /^[0-9a-f]{32}$/);
  return { ...Object.fromEntries(names.map((name, index) => [name, seen[index]!])), task };
}

/** `aws configure export-credentials` of version 2 of the AWS CLI, and whose keys these are to version 1. */
async function exported(places: Places, place: PlaceName): Promise<string> {
  const { code, stdout, stderr } = await places[place](['aws2', 'configure', 'export-credentials']);
  if (code !== 0) return stderr.trim();
  const { Version, ...keys } = JSON.parse(stdout) as Record<string, string>;
  assert.equal(Version, 1);
  assert.ok(Date.parse(keys['Expiration']!) > Date.now());
  const session = { accessKeyId: keys['AccessKeyId']!, secretAccessKey: keys['SecretAccessKey']! };
  const env = places.cloud.as({ ...session, sessionToken: keys['SessionToken']! });
  const identity = await run('aws', ['sts', 'get-caller-identity', '--query', 'Arn', '--output', 'text'], env);
  return identity.stdout.trim();
}

async function distrust({ cloud }: Places): Promise<void> {
  const nobody = policy({ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' });
  const command = new UpdateAssumeRolePolicyCommand({ RoleName: 'app', PolicyDocument: nobody });
  await clientsOf(cloud).iam.send(command);
}

test('programs are who their place says', { skip: skipWithout('aws2') }, async (t) => {
  const places = await openPlaces(t);
  const { instanceId, taskId } = places;

  await t.test('AWS SDK for JavaScript, by its default chain', async () => {
    assert.deepEqual(await seenEverywhere(places, javaScript), {
      instance: { session: instanceId, ...may },
      task: may,
      pod: { session: taskId, ...may },
      foreignPod: { error: 'CredentialsProviderError' },
      workflow: { session: 'run-7', ...may },
      foreignWorkflow: { error: 'AccessDenied' },
    });
  });

  await t.test('boto3, by its default chain', async () => {
    assert.deepEqual(await seenEverywhere(places, python), {
      instance: { method: 'iam-role', session: instanceId, ...may },
      task: { method: 'container-role', ...may },
      pod: { method: 'container-role', session: taskId, ...may },
      foreignPod: { error: 'CredentialRetrievalError' },
      workflow: { method: 'assume-role-with-web-identity', session: 'run-7', ...may },
      foreignWorkflow: { error: 'AccessDenied' },
    });
  });

  await t.test('AWS CLI: the credentials of a place can be exported', async () => {
    const arn = `arn:aws:sts::${dev}:assumed-role/app`;
    const names = ['instance', 'task', 'pod', 'workflow', 'foreignPod', 'foreignWorkflow'] as const;
    const [instance, task, pod, workflow, foreignPod, foreignWorkflow] = await Promise.all(
      names.map((place) => exported(places, place)),
    );
    assert.deepEqual([instance, pod, workflow], [`${arn}/${instanceId}`, `${arn}/${taskId}`, `${arn}/run-7`]);
    assert.match(task!, new RegExp(`^${arn}/[0-9a-f]{32}$`));
    assert.match(foreignPod!, /Error when retrieving credentials from container-role/);
    assert.match(foreignWorkflow!, /AccessDenied.*sts:AssumeRoleWithWebIdentity/);
  });

  await t.test('and nobody when the role trusts their place no more', async () => {
    await distrust(places);
    const refused = (error: string): Seen => ({ error });
    const [js, py, aws, task] = await Promise.all([
      Promise.all((['instance', 'pod', 'workflow'] as const).map((place) => seenBy(places, place, javaScript))),
      Promise.all((['instance', 'pod', 'workflow'] as const).map((place) => seenBy(places, place, python))),
      exported(places, 'instance'),
      places.task(javaScript),
    ]);
    assert.deepEqual(js, ['CredentialsProviderError', 'CredentialsProviderError', 'AccessDenied'].map(refused));
    assert.deepEqual(py, ['NoCredentialsError', 'CredentialRetrievalError', 'AccessDenied'].map(refused));
    assert.match(aws, /Unable to retrieve credentials: no credentials found/);
    assert.match(task.stderr, /^error\[role-not-trusting\]/);
  });
});
