// What variables say about sessions in general, most of them aws-vault's, which people have in their dotfiles. The
// command line ranks before them, a profile after them. AWS_MFA_SERIAL and AWS_ROLE_ARN are not read here: they say
// whose session it is, and not how it is made.
import { isFailure, parseDuration } from '../base/index.ts';
import { failure } from './failures.ts';
import type { Environment } from './model.ts';
import { checkIdentity, checkSessionName, readKeyList, readTagList, type SessionOptions } from './options.ts';
import { checkDuration, limits } from './session-plan.ts';

/** The variable's value, read; undefined when it is not set or empty. */
function read<Value>(env: Environment, name: string, parse: (text: string, place: string) => Value): Value | undefined {
  const text = env[name];
  return text ? parse(text, name) : undefined;
}

function seconds(longest: number): (text: string, place: string) => number {
  return (text, place) => {
    try {
      const value = parseDuration(text);
      checkDuration(value, longest);
      return value;
    } catch (error) {
      if (!isFailure(error)) throw error;
      throw failure('setting-invalid', `${place}: ${error.message}`, {
        hint: `set it like \`${place}=1h\`, or unset it`,
        cause: error,
      });
    }
  };
}

/** What goes to the target's role unless the person says otherwise. @throws Failure `setting-invalid` with the variable. */
export function roleVariables(env: Environment): SessionOptions {
  return {
    sessionName: read(env, 'AWS_ROLE_SESSION_NAME', checkSessionName),
    sourceIdentity: read(env, 'AWS_SOURCE_IDENTITY', checkIdentity),
    tags: read(env, 'AWS_SESSION_TAGS', readTagList),
    transitiveTags: read(env, 'AWS_TRANSITIVE_TAGS', readKeyList),
    durationSeconds: read(env, 'AWS_ASSUME_ROLE_TTL', seconds(limits.assumeRole)),
  };
}

/** How long an MFA session lasts: one that is the target itself, and one that roles are assumed from. */
export function mfaVariables(env: Environment): {
  readonly alone?: number | undefined;
  readonly shared?: number | undefined;
} {
  return {
    alone: read(env, 'AWS_SESSION_TOKEN_TTL', seconds(limits.getSessionToken)),
    shared: read(env, 'AWS_CHAINED_SESSION_TOKEN_TTL', seconds(limits.getSessionToken)),
  };
}

/** The options, and for what they leave open the variables. Tags and which of them are handed down go together. */
export function withVariables(options: SessionOptions, variables: SessionOptions): SessionOptions {
  const tagged = options.tags !== undefined || options.transitiveTags !== undefined;
  const { tags, transitiveTags } = tagged ? options : variables;
  return {
    ...options,
    sessionName: options.sessionName ?? variables.sessionName,
    sourceIdentity: options.sourceIdentity ?? variables.sourceIdentity,
    durationSeconds: options.durationSeconds ?? variables.durationSeconds,
    tags,
    transitiveTags,
  };
}
