// AssumeRoot: a short session of a member account's root user, for one of five tasks.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html
import type { AssumeRootRequest, AssumeRootResponse } from '@aws-sdk/client-sts';
import { operation, type Call } from '../../call.ts';
import { makeSession } from '../iam/credentials.ts';
import { accessDenied, validationError } from '../iam/failures.ts';
import { organizationsFeatures } from '../iam/organizations-features.ts';
import type { Parsed } from '../iam/shapes.ts';
import { delegations } from '../organizations/delegation-rows.ts';
import { pairId } from '../organizations/model.ts';
import { credentialsShape } from './shapes.ts';

type Input = Parsed<AssumeRootRequest>;

const defaultSeconds = 900;

/**
 * Each task and the features of the organisation of which one opens it: the user guide calls the first three the
 * management of root credentials and the others privileged root actions, and AssumeRoot's page wants the latter for all.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-access-management.html
 */
const tasks: ReadonlyMap<string, readonly string[]> = new Map([
  ['IAMAuditRootUserCredentials', ['RootCredentialsManagement', 'RootSessions']],
  ['IAMCreateRootUserPassword', ['RootCredentialsManagement', 'RootSessions']],
  ['IAMDeleteRootUserCredentials', ['RootCredentialsManagement', 'RootSessions']],
  ['S3UnlockBucketPolicy', ['RootSessions']],
  ['SQSUnlockQueuePolicy', ['RootSessions']],
]);

export const assumeRoot = operation<Input, AssumeRootResponse>({
  permissions: (input, call) => {
    if (call.principal.type === 'Root') throw accessDenied('Cannot call AssumeRoot with root credentials');
    const target = targetOf(input, call);
    return [
      {
        action: 'sts:AssumeRoot',
        resource: target.arn,
        // No policy of the member account has a say.
        resourceAccount: call.account,
        context: { 'aws:ResourceAccount': target.account, 'sts:TaskPolicyArn': taskOf(input, call) },
      },
    ];
  },
  handle: (input, call) => {
    const target = targetOf(input, call);
    checkReach(target, taskOf(input, call), call);
    const sourceIdentity = call.credential?.session?.sourceIdentity;
    const session = {
      tags: [],
      transitiveTagKeys: [],
      taskPolicyArn: taskOf(input, call),
      ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    };
    const seconds = input.DurationSeconds ?? defaultSeconds;
    const credential = makeSession({ ...call, account: target.account }, { kind: 'root' }, seconds, session);
    return {
      Credentials: credentialsShape(credential),
      ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
    };
  },
});

interface Target {
  readonly account: string;
  readonly arn: string;
}

/** An account id, or the ARN of its root user. @throws ValidationError */
function targetOf({ TargetPrincipal: principal }: Input, call: Call): Target {
  const [, ofArn, alone] = /^(?:arn:[\w-]+:iam::(\d{12}):root|(\d{12}))$/.exec(principal) ?? [];
  const account = ofArn ?? alone;
  if (account === undefined) throw validationError(`${principal} is invalid`);
  return { account, arn: `arn:${call.partition}:iam::${account}:root` };
}

/** @throws ValidationError */
function taskOf({ TaskPolicyArn: { arn = '' } }: Input, call: Call): string {
  const start = `arn:${call.partition}:iam::aws:policy/root-task/`;
  if (arn.startsWith(start) && tasks.has(arn.slice(start.length))) return arn;
  throw validationError(`${arn} is not a policy for tasks of the root user`);
}

/** From the management account, or IAM's delegated administrator, into a member, once the feature is on. @throws AccessDenied */
function checkReach({ account, arn }: Target, taskArn: string, call: Call): void {
  const { world } = call;
  const isMember = account !== world.managementAccount && world.account(account) !== undefined;
  const administers = world.table(delegations).get('', pairId(call.account, 'iam.amazonaws.com')) !== undefined;
  const isCentral = call.account === world.managementAccount || administers;
  const openers = tasks.get(taskArn.slice(taskArn.lastIndexOf('/') + 1))!;
  if (isCentral && isMember) {
    if (organizationsFeatures(world).some((feature) => openers.includes(feature))) return;
    throw accessDenied('Root sessions feature is not enabled for your AWS Organization.');
  }
  const caller = 'arn' in call.principal ? call.principal.arn : 'anonymous';
  throw accessDenied(`User: ${caller} is not authorized to perform: sts:AssumeRoot on resource: ${arn}`);
}
