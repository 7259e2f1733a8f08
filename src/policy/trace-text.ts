// A trace as text for a terminal.
import { conditionText, typeNames } from './cure.ts';
import type { PartTrace, PolicyTrace, StatementTrace, Trace } from './explain.ts';

const shown = (values: readonly string[]): string => values.map((value) => `\`${value}\``).join(', ');

function partLine(name: string, part: PartTrace | undefined): string[] {
  if (part === undefined) return [];
  const { matched, not, wanted, seen } = part;
  return [`      ${matched ? 'yes' : 'no '} ${not ? 'Not' : ''}${name} ${shown(wanted)}, asked \`${seen}\``];
}

function statementLines(statement: StatementTrace): string[] {
  const name = statement.sid ?? `number ${statement.statement + 1}`;
  const outcome = statement.applies ? (statement.decides ? 'applies and decides' : 'applies') : 'does not apply';
  return [
    `    ${statement.effect} ${name}: ${outcome}`,
    ...partLine('Action', statement.action),
    ...partLine('Resource', statement.resource),
    ...partLine('Principal', statement.principal),
    ...statement.conditions.map((each) => `      ${each.matched ? 'yes' : 'no '} ${conditionText(each)}`),
  ];
}

function policyLines(policy: PolicyTrace): string[] {
  const level = policy.level === undefined ? '' : ` (level ${policy.level})`;
  const name = policy.policyArn ?? policy.policyName ?? 'unnamed';
  const on = policy.attachedTo === undefined ? '' : ` on ${policy.attachedTo}`;
  const covered = policy.statements.filter((statement) => statement.action.matched);
  const others = policy.statements.length - covered.length;
  return [
    `  ${typeNames[policy.type]}${level} ${name}${on}`,
    ...covered.flatMap(statementLines),
    ...(others === 0 ? [] : [`    ${others} other statement${others === 1 ? '' : 's'}: another action`]),
  ];
}

function verdict({ decision, decidedBy }: Trace): string {
  const { type, explicit, sid, statement } = decidedBy;
  if (type === 'root') return 'allowed: the root user needs no policy';
  if (type === 'permissionless') return 'allowed: the action needs no permission';
  if (type === 'service') return 'denied: a rule of the service, in which no policy has a say';
  const name = decidedBy.policyArn ?? decidedBy.policyName;
  const place = `${sid === undefined ? `statement number ${(statement ?? 0) + 1}` : `statement \`${sid}\``} of ${name === undefined ? `the ${typeNames[type]}` : `\`${name}\``}`;
  if (decision === 'allow') return `allowed by ${place}`;
  return explicit ? `denied by ${place}` : `denied: no ${typeNames[type]} allows it`;
}

/** Lines for people: the request, the verdict, the statements whose action was asked, the cure. */
export function renderTrace(trace: Trace): string {
  const { request, policies } = trace;
  const context = Object.entries(request.context).map(
    ([key, value]) => `  ${key} = ${typeof value === 'string' ? value : value.join(', ')}`,
  );
  return [
    `${request.principal} asks ${request.action} on ${request.resource}`,
    verdict(trace),
    ...(context.length === 0 ? [] : ['context:', ...context]),
    'policies:',
    ...(policies.length === 0 ? ['  none'] : policies.flatMap(policyLines)),
    `cure: ${trace.cure}`,
  ].join('\n');
}
