// What to do about a refusal: the statement that nearly allowed it, or the policy in which an Allow is missing.
import type { ConditionTrace, PolicyTrace, StatementTrace, Trace } from './explain.ts';
import { isCrossAccount, resourcePolicyType } from './evaluate.ts';
import type { AuthorizationRequest, PolicyType } from './types.ts';

type Untreated = Omit<Trace, 'cure'>;

const quoted = (values: readonly string[]): string => values.map((value) => `\`${value}\``).join(', ');

/** `statement \`Sid\` of \`arn\``. */
export function placeName(policy: PolicyTrace, statement: StatementTrace): string {
  const name = policy.policyArn ?? policy.policyName ?? policy.attachedTo;
  const which = statement.sid === undefined ? `number ${statement.statement + 1}` : `\`${statement.sid}\``;
  return `statement ${which} of ${name === undefined ? `the ${typeNames[policy.type]}` : `\`${name}\``}`;
}

export const typeNames: Readonly<Record<PolicyType, string>> = {
  identity: 'identity-based policy',
  boundary: 'permissions boundary',
  session: 'session policy',
  resource: 'resource-based policy',
  trust: 'role trust policy',
  scp: 'service control policy',
  rcp: 'resource control policy',
  endpoint: 'VPC endpoint policy',
};

/** `\`Bool\` on \`aws:MultiFactorAuthPresent\` wants \`true\`, the request has none`. */
export function conditionText({ operator, key, wanted, seen }: ConditionTrace): string {
  const values = seen === null ? [] : typeof seen === 'string' ? [seen] : seen;
  const has = values.length === 0 ? 'the request has none' : `the request has ${quoted(values)}`;
  return `\`${operator}\` on \`${key}\` wants ${quoted(wanted)}, ${has}`;
}

/** Where the missing Allow belongs, and what it must say. */
function missingText(type: PolicyType, request: AuthorizationRequest, caller: string): string {
  const what = `\`${request.action}\` on \`${request.resource.arn}\``;
  switch (type) {
    case 'identity':
      return `allow ${what} in an identity-based policy of \`${caller}\``;
    case 'boundary': {
      const boundary = request.policies.source.boundary;
      return `allow ${what} in the permissions boundary \`${boundary?.arn ?? boundary?.name ?? 'of the caller'}\``;
    }
    case 'session':
      return request.policies.source.session === undefined
        ? 'pass a session policy when asking for the federation token: without one the session has no permissions of its own'
        : `allow ${what} in the session policy passed when the session was made`;
    case 'trust':
      return `name \`${caller}\`${'account' in request.principal ? ' or its account' : ''} in the trust policy of \`${request.resource.arn}\`, with \`${request.action}\``;
    case 'scp':
      return `allow ${what} in a service control policy of every level from the organization's root to the account; the management account can change them`;
    case 'rcp':
      return `allow ${what} in a resource control policy of every level from the organization's root to the resource's account; the management account can change them`;
    case 'endpoint':
      return `allow ${what} in the policy of the VPC endpoint \`${request.endpoint?.attachedTo ?? request.endpoint?.name ?? 'in use'}\``;
    default:
      if (request.resource.policy?.kind === 'key') {
        return `name \`${caller}\` or its account in the key policy of \`${request.resource.arn}\`: identity policies count only when the key policy lets the account use them`;
      }
      return `name \`${caller}\`${isCrossAccount(request) ? ' or its account' : ''} in the resource-based policy of \`${request.resource.arn}\`, with \`${request.action}\``;
  }
}

/** The parts of a statement that failed, as one sentence each. */
function failures(statement: StatementTrace): string[] {
  const { resource, principal, conditions } = statement;
  return [
    ...(resource?.matched === false ? [`it ${resource.not ? 'excludes' : 'names'} ${quoted(resource.wanted)}`] : []),
    ...(principal?.matched === false
      ? [`its principal ${principal.not ? 'excludes' : 'is'} ${quoted(principal.wanted)}`]
      : []),
    ...conditions.filter((condition) => !condition.matched).map(conditionText),
  ];
}

/** The Allow of the missing type that failed in the fewest parts although its action matched. */
function nearestAllow(trace: Untreated, type: PolicyType): string | undefined {
  const near = trace.policies
    .filter((policy) => policy.type === type)
    .flatMap((policy) => policy.statements.map((statement) => ({ policy, statement, failed: failures(statement) })))
    .filter(({ statement, failed }) => statement.effect === 'Allow' && statement.action.matched && failed.length > 0)
    .sort((a, b) => a.failed.length - b.failed.length)[0];
  return (
    near && `${placeName(near.policy, near.statement)} allows the action but does not apply: ${near.failed.join('; ')}`
  );
}

function denyText(trace: Untreated): string {
  const policy = trace.policies.find((each) => each.statements.some((statement) => statement.decides))!;
  const statement = policy.statements.find((each) => each.decides)!;
  const rests = statement.conditions.map(conditionText);
  const way =
    rests.length === 0
      ? 'have whoever owns the policy exempt this request; no Allow can outweigh a Deny'
      : `make a request for which its condition does not hold (${rests.join('; ')}), or have whoever owns the policy change it`;
  return `${placeName(policy, statement)} denies it: ${way}`;
}

/** Between accounts both sides must allow. The caller's is asked first, so what is missing on the other one is told with it. */
function otherSide(trace: Untreated, request: AuthorizationRequest, type: PolicyType): string {
  const asked: readonly PolicyType[] = ['identity', 'boundary', 'session'];
  if (!asked.includes(type) || !isCrossAccount(request)) return '';
  const theirs = resourcePolicyType(request);
  const policies = trace.policies.filter((policy) => policy.type === theirs);
  const granted = policies.some(({ statements }) => statements.some((one) => one.effect === 'Allow' && one.applies));
  if (granted) return '';
  const wish = missingText(theirs, request, trace.request.principal);
  return `; the resource is of another account, \`${request.resource.account}\`, which must allow it too: ${wish}`;
}

/** Plain text for whoever was refused. */
export function cureOf(trace: Untreated, request: AuthorizationRequest): string {
  if (trace.decision === 'allow') return 'nothing to do: the request is allowed';
  if (trace.decidedBy.explicit) return denyText(trace);
  const type = trace.decidedBy.type as PolicyType;
  const wish = missingText(type, request, trace.request.principal);
  const near = nearestAllow(trace, type);
  return (near === undefined ? wish : `${near}; or ${wish}`) + otherSide(trace, request, type);
}
