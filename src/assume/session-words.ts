// How a step of the plan is told to a person. Pure.
import { formatDuration } from '../base/index.ts';
import type { RoleLink, SessionRequest } from './model.ts';
import type { PlanStep } from './session-plan.ts';

/** What goes along with a role besides its name, for `--explain`. */
function extrasOf(role: RoleLink): readonly string[] {
  const tags = Object.keys(role.tags ?? {});
  const transitive = new Set(role.transitiveTags);
  const told = tags.map((key) => (transitive.has(key) ? `${key} (handed down)` : key));
  const policies = (role.policy === undefined ? 0 : 1) + (role.policyArns?.length ?? 0);
  return [
    ...(role.externalId === undefined ? [] : ['an external id']),
    ...(role.sourceIdentity === undefined ? [] : [`source identity ${role.sourceIdentity}`]),
    ...(told.length === 0 ? [] : [`tags ${told.join(', ')}`]),
    ...(policies === 0 ? [] : [policies === 1 ? 'a session policy' : `${policies} session policies`]),
  ];
}

/** The call, for how long, with what, and why so. */
function stepText(step: PlanStep, { roles }: SessionRequest, from: string): string {
  if (step.call === 'none') return `no call${from} (${step.why})`;
  const role = step.call === 'GetSessionToken' ? undefined : roles[step.role]!;
  const what = role === undefined ? step.call : `${step.call} ${role.roleArn} as ${role.sessionName}`;
  const extras = [...(step.mfa ? ['an MFA code'] : []), ...(role === undefined ? [] : extrasOf(role))];
  const along = extras.length === 0 ? '' : ` with ${extras.join(', ')}`;
  return `${what} for ${formatDuration(step.durationSeconds)}${along}${from} (${step.why})`;
}

/** The path that was chosen, a line for each call, numbered when there are several. */
export function describePath(steps: readonly PlanStep[], request: SessionRequest): readonly string[] {
  return steps.map((step, index) => {
    const number = steps.length === 1 ? '' : `${index + 1}. `;
    return `${number}${stepText(step, request, index === 0 ? `, from ${request.source.from}` : '')}`;
  });
}
