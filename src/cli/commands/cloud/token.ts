// `stint cloud token`: a web identity token of the embedded AWS's test issuer.
import type { Io } from '../../command.ts';
import { printData, printJson } from '../../output.ts';
import { control, type Values } from './control-client.ts';
import { cloudVerbFailure } from './failures.ts';

export async function token(io: Io, values: Values): Promise<void> {
  const { issuer, subject, audience, claim, expiresIn } = values;
  const answer = await control<{ token: string }>(io, values, 'POST', 'tokens', {
    issuer,
    subject,
    audience,
    claims: claimsOf((claim ?? []) as readonly string[]),
    expiresIn,
  });
  if (values['json'] === true) return printJson(io, answer);
  printData(io, answer.token);
}

/** `repository=acme/app`, `actor_id=7`, `https://aws.amazon.com/tags={"principal_tags":{"team":["blue"]}}`. */
function claimsOf(claims: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    claims.map((text) => {
      const equals = text.indexOf('=');
      if (equals > 0) return [text.slice(0, equals), valueOf(text.slice(equals + 1))];
      throw cloudVerbFailure('missing-argument', `\`${text}\` is no claim`, { hint: 'write `--claim name=value`' });
    }),
  );
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
