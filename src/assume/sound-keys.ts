// What no key or token of AWS has in it. Keys come from programs, servers and files, and go into lines of shells, files
// and headers.
import { failure } from './failures.ts';
import type { Credentials, IdentityToken } from './model.ts';

/** Keys and tokens are printable letters of ASCII, whoever gives them. */
const printable = /^[\x20-\x7e]+$/;

/**
 * Returns what was given by `from`, as messages name it.
 * SECURITY: a line end in a key would write lines of its own: a section of ~/.aws/credentials, a variable, a header.
 * @throws Failure `credentials-malformed`, which repeats nothing of it.
 */
export function soundKeys<Given extends Credentials | IdentityToken>(given: Given, from: string): Given {
  if ('identityToken' in given) return given;
  const { accessKeyId, secretAccessKey, sessionToken } = given;
  const texts = [accessKeyId, secretAccessKey.reveal(), sessionToken?.reveal() ?? ' '];
  const wrong = texts.findIndex((text) => !printable.test(text));
  if (wrong === -1) return given;
  const what = ['the access key id', 'the secret access key', 'the session token'][wrong]!;
  throw failure('credentials-malformed', `${what} of ${from} is empty, or holds letters that no key has`, {
    hint: 'look for line ends and pasted letters in what gives it; an indented line goes on with the value above it',
  });
}
