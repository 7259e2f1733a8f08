// One step up: for one principal, every method that works for it, on whom, and the statement that grants each call.
import { placeOf, type StatementPlace } from '../access/can.ts';
import type { Question } from '../access/directory.ts';
import type { Subject } from '../access/subjects.ts';
import type { Method, Need } from './method.ts';
import { methods } from './methods.ts';
import { boundaryOf, customerPolicies, ownGroups, statementsOf, type EscalationWorld } from './world.ts';

/** A call that a step makes, and the statement that allows it. */
export interface Grant {
  readonly action: string;
  readonly resource: string;
  readonly by?: StatementPlace | undefined;
  /** Whether it also hangs on something that nobody knows. */
  readonly depends: boolean;
}

export interface Edge {
  readonly method: Method;
  readonly from: Subject;
  /** Absent when the step ends in any permission, or in the principal itself. */
  readonly to?: Subject | undefined;
  /** Every call is surely allowed, and nothing else has to be there. */
  readonly certain: boolean;
  readonly grants: readonly Grant[];
}

// What a caller can bring about: people who want to do it sign in with MFA, and over TLS.
const inOnesPower: NonNullable<Question['context']> = {
  'aws:MultiFactorAuthPresent': 'true',
  'aws:MultiFactorAuthAge': '1',
  'aws:SecureTransport': 'true',
};

/** What a made-up resource of a service looks like behind its account. */
const names: Readonly<Record<string, string>> = {
  lambda: 'function:probe',
  ec2: 'instance/i-0123456789abcdef0',
  'ec2-instance-connect': 'instance/i-0123456789abcdef0',
  ssm: 'parameter/probe',
  cloudformation: 'stack/probe/1',
  ecs: 'task-definition/probe:1',
  codebuild: 'project/probe',
  glue: 'job/probe',
  sagemaker: 'notebook-instance/probe',
  apprunner: 'service/probe/1',
  datapipeline: 'pipeline/probe',
  'bedrock-agentcore': 'code-interpreter/probe',
  secretsmanager: 'secret:probe',
  // Whatever the policy of one key says: that of another may say more.
  kms: 'key/*',
  autoscaling: 'autoScalingGroup:1:autoScalingGroupName/probe',
  organizations: 'policy/o-0000000000/service_control_policy/p-00000000',
};

function madeUp(action: string, { account }: Subject): string {
  const service = action.split(':', 1)[0]!;
  if (service === 's3') return `arn:${account.partition}:s3:::probe`;
  return `arn:${account.partition}:${service}:us-east-1:${account.id}:${names[service] ?? 'probe'}`;
}

const mostExamples = 4;

/**
 * Resources on which a principal might be allowed an action of whatever name: an example for each pattern of its own
 * statements, so that a grant on `function:app-*` is seen as well as one on `*`.
 */
function exampleResources(world: EscalationWorld, subject: Subject, action: string): readonly string[] {
  const found = world.allowsOf(subject, action).flatMap(({ source }) => {
    if (source.resource === undefined || source.resource.not) return [madeUp(action, subject)];
    return source.resource.values.map((text) =>
      text === '*' ? madeUp(action, subject) : text.replaceAll(/\$\{[^}]*\}|[*?]/g, 'x'),
    );
  });
  return [...new Set(found)].slice(0, mostExamples);
}

interface Step {
  readonly world: EscalationWorld;
  readonly from: Subject;
  readonly to: Subject | undefined;
  readonly method: Method;
}

function resourcesOf({ world, from, to }: Step, { action, on }: Need): readonly string[] {
  switch (on) {
    case 'self':
      return [from.arn];
    case 'own-policy':
      return customerPolicies(from);
    case 'own-group':
      return ownGroups(from).map(({ arn }) => arn);
    case 'policy':
      return to === undefined ? [] : customerPolicies(to);
    case 'new':
      return exampleResources(world, from, action);
    default:
      return to === undefined ? [] : [to.arn];
  }
}

/** What is known of the request beside who asks: the caller chooses the policy he attaches, the target has its boundary. */
function contextOf({ from, to, method }: Step, { action, on }: Need): Pick<Question, 'context' | 'absent'> {
  const boundary = on === 'self' ? boundaryOf(from) : to === undefined ? undefined : boundaryOf(to);
  const bounded = on === 'self' || on === 'user' || on === 'role';
  const partition = from.account.partition;
  return {
    context: {
      ...(from.kind === 'role' ? {} : inOnesPower),
      'iam:PolicyARN': `arn:${partition}:iam::aws:policy/AdministratorAccess`,
      ...(action === 'iam:PassRole' ? { 'iam:PassedToService': method.services![0]! } : {}),
      ...(bounded && boundary?.arn !== undefined ? { 'iam:PermissionsBoundary': boundary.arn } : {}),
    },
    ...(bounded && boundary === undefined ? { absent: ['iam:PermissionsBoundary'] } : {}),
  };
}

/** The best answer over the resources that a permission may be needed on; nothing when none is allowed. */
function grantOf(step: Step, need: Need): Grant | undefined {
  const { world, from } = step;
  const isTrust = need.action === 'sts:AssumeRole';
  if (!isTrust && !world.mayAnywhere(from, need.action)) return undefined;
  let second: Grant | undefined;
  for (const resource of resourcesOf(step, need)) {
    const answer = world.directory.ask(from, { action: need.action, resource, ...contextOf(step, need) });
    if (answer.answer === 'denied') continue;
    const by = 'attached' in answer.by ? placeOf(answer.by) : undefined;
    const grant: Grant = { action: need.action, resource, by, depends: answer.answer === 'depends' };
    if (!grant.depends) return grant;
    second ??= grant;
  }
  return second;
}

function edgeOf(step: Step): Edge | undefined {
  const { method, from, to } = step;
  const grants: Grant[] = [];
  for (const need of method.needs) {
    const grant = grantOf(step, need);
    if (grant === undefined) return undefined;
    grants.push(grant);
  }
  if (method.oneOf !== undefined) {
    const any = method.oneOf.map((need) => grantOf(step, need)).filter((it) => it !== undefined);
    if (any.length === 0) return undefined;
    grants.push(any.find(({ depends }) => !depends) ?? any[0]!);
  }
  const sure = method.given === undefined && profileOf(step) !== 'unknown';
  return { method, from, to, certain: sure && grants.every(({ depends }) => !depends), grants };
}

/** Whether a role has the instance profile that a method needs. */
function profileOf({ method, to }: Step): 'there' | 'missing' | 'unknown' {
  if (method.profile === undefined) return 'there';
  const profiles = to?.role?.instanceProfiles;
  return profiles === undefined ? 'unknown' : profiles.length > 0 ? 'there' : 'missing';
}

/** Whether somebody carries a policy that denies something, of the kind that the method takes off. */
function hasDenial(subject: Subject, { needs }: Method): boolean {
  const inline = /Delete/.test(needs[0]!.action);
  const own = subject.user?.policies ?? subject.role?.policies ?? [];
  return own.some(
    ({ arn, document }) =>
      (arn === undefined) === inline &&
      document !== undefined &&
      statementsOf(document).some(({ Effect }) => Effect === 'Deny'),
  );
}

/** Whether there is anything to shed. */
function canShed(subject: Subject, method: Method): boolean {
  if (method.id.endsWith('boundary')) return boundaryOf(subject) !== undefined;
  if (method.id.endsWith('denial')) return hasDenial(subject, method);
  return subject.account.scps.length > 0;
}

/** Whether the principal has a chance at all: it costs little to ask, and most have none. */
function mayTry(world: EscalationWorld, subject: Subject, { needs, oneOf }: Method): boolean {
  return (
    needs.every(({ action }) => action === 'sts:AssumeRole' || world.mayAnywhere(subject, action)) &&
    (oneOf === undefined || oneOf.some(({ action }) => world.mayAnywhere(subject, action)))
  );
}

/** On whom a method may work. `undefined` is the principal itself, or nobody. */
function targetsOf(world: EscalationWorld, from: Subject, method: Method): readonly (Subject | undefined)[] {
  const account = from.account.id;
  if (method.services !== undefined) {
    const { services } = method;
    return world.directory
      .subjectsIn(account, 'role')
      .filter((role) => role !== from && world.servicesOf(role).some((service) => services.includes(service)));
  }
  const slots = [...method.needs, ...(method.oneOf ?? [])].map(({ on }) => on);
  if (slots.includes('group')) {
    const own = new Set(ownGroups(from).map(({ arn }) => arn));
    return world.directory.subjectsIn(account, 'group').filter(({ arn }) => !own.has(arn));
  }
  if (slots.includes('user')) return world.directory.subjectsIn(account, 'user').filter((user) => user !== from);
  if (slots.includes('role')) {
    if (method.needs.some(({ action }) => action === 'sts:AssumeRole')) return world.assumableBy(from);
    return world.directory.subjectsIn(account, 'role').filter((role) => role !== from);
  }
  return [undefined];
}

/** `only`: just the methods that it takes for. The steps of a group are those of a member of nothing else. */
export function edgesFrom(world: EscalationWorld, from: Subject, only: (method: Method) => boolean): readonly Edge[] {
  return methods
    .filter(({ holder }) => holder === undefined || holder === from.kind)
    .filter((method) => only(method) && mayTry(world, from, method))
    .filter((method) => method.outcome !== 'sheds' || canShed(from, method))
    .flatMap((method) =>
      targetsOf(world, from, method).flatMap((to) => {
        const step: Step = { world, from, to, method };
        // A service-linked role is changed by AWS only.
        if (to?.role?.path.startsWith('/aws-service-role/') === true || profileOf(step) === 'missing') return [];
        const edge = edgeOf(step);
        return edge === undefined ? [] : [edge];
      }),
    );
}
