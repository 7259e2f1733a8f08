// One question about one principal, with an answer that people and programs can read.
import type { PolicyType, StatementRef } from '../types.ts';
import type { Answer } from './answer.ts';
import { needTexts } from './condition-text.ts';
import { dependsOn, type Directory, type Question } from './directory.ts';
import type { Subject } from './subjects.ts';

/** A statement as an answer points at it. */
export interface StatementPlace {
  readonly policyType: PolicyType;
  /** ARN or name of the policy. */
  readonly policy: string | undefined;
  readonly attachedTo: string | undefined;
  /** Position in the document, from 0. */
  readonly statement: number;
  readonly sid: string | undefined;
}

export interface CanAnswer {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly answer: Answer['answer'];
  /** What decided: the statement that allows or denies. */
  readonly by?: StatementPlace | undefined;
  /** Of a refusal: the kind of policy that had to allow and did not. */
  readonly missing?: PolicyType | undefined;
  /** Of an answer that depends: what has to be so, all of it, in words. */
  readonly needs: readonly string[];
  /** Condition keys whose values would tell. */
  readonly keys: readonly string[];
  /** Policies of which nothing is known. */
  readonly unknownPolicies: readonly string[];
  /** Whether it hangs on such policies only: with them known it would be certain. */
  readonly unreadOnly: boolean;
  /** Whether the resource's own policy counted; `absent`: there is none; `unread`: there may be one, and it was not read. */
  readonly resourcePolicy: 'counted' | 'absent' | 'unread' | 'none';
}

/** A statement's place as plain data. */
export function placeOf({ policyType, attached, index, sid }: StatementRef): StatementPlace {
  const { arn, name, attachedTo } = attached;
  return { policyType, policy: arn ?? name, attachedTo, statement: index, sid };
}

function isUnreadOnly({ shelf }: Directory, answer: Answer): boolean {
  if (answer.answer !== 'depends') return false;
  const refs = answer.needs.flatMap((need) => ('unless' in need ? [need.unless] : need.oneOf));
  return refs.every(({ attached }) => shelf.isUnknown(attached.policy));
}

/** Could `subject` be allowed? `denied` and `allowed` hold whatever is unknown; else `needs` says on what it hangs. */
export function can(directory: Directory, subject: Subject, question: Question): CanAnswer {
  const answer = directory.ask(subject, question);
  const context = directory.contextOf(subject, question);
  const by = 'by' in answer && 'attached' in answer.by ? placeOf(answer.by) : undefined;
  return {
    principal: subject.arn,
    action: question.action,
    resource: question.resource,
    answer: answer.answer,
    by,
    missing: 'missing' in answer ? answer.missing : undefined,
    needs: answer.answer === 'depends' ? needTexts(answer.needs, context) : [],
    ...dependsOn(directory, answer, context),
    unreadOnly: isUnreadOnly(directory, answer),
    resourcePolicy: directory.resourcePolicy(question),
  };
}
