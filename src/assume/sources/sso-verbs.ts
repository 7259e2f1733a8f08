// What the verbs of `stint sso` do. Loaded by them alone.
import { nearestName, type Secret } from '../../base/index.ts';
import type { KeptEntry } from '../cache.ts';
import { signInSettings } from '../endpoints.ts';
import { currentProfile } from '../environment.ts';
import { failure } from '../failures.ts';
import type { Environment, SsoSession } from '../model.ts';
import { profileChain } from '../profile-chain.ts';
import { Profile, settingOf, type ProfileSet, profileNamed } from '../profiles.ts';
import { removeObject } from './aws-cache.ts';
import type { SourceTools } from './source.ts';
import { readToken, tokenFile } from './sso-cache.ts';
import { endSignIn } from './sso-portal.ts';
import { ssoSessionNamed, ssoSessionOf } from './sso-profile.ts';
import { callTools, ssoToken, type TokenWanted } from './sso-token.ts';

export { listRoles, type SsoAccount, type SsoAccountRoles } from './sso-accounts.ts';
export { writeProfiles, type ProfilesChange } from './sso-profiles.ts';

export interface SsoContext {
  readonly env: Environment;
  readonly profiles: ProfileSet;
}

function sessionOfProfile(name: string, { env, profiles }: SsoContext): TokenWanted | undefined {
  const profile = profiles.profiles.get(name);
  if (profile === undefined) return undefined;
  const key = ['sso_session', 'sso_start_url'].find((each) => settingOf(profile, each) !== undefined);
  if (key !== undefined) {
    const place = profile.settings.get(key)!.place;
    return { session: ssoSessionOf(profile, profiles, env), asker: { profile: name, place } };
  }
  const { source } = profileChain(name, profiles, env);
  if (source.kind !== 'sso') return undefined;
  return { session: source.session, asker: { profile: source.profile, place: source.place } };
}

function sessionOfName(name: string, { env, profiles }: SsoContext): TokenWanted | undefined {
  if (!profiles.ssoSessions.has(name)) return undefined;
  const own = signInSettings(
    new Profile(name, undefined, undefined, (other, place) => profileNamed(other, profiles, place)),
    profiles,
    env,
  );
  return { session: ssoSessionNamed(name, { own, set: profiles }) };
}

function unknown(name: string, { profiles }: SsoContext): Error {
  if (profiles.profiles.has(name)) {
    return failure('unknown-target', `profile \`${name}\` does not lead to IAM Identity Center`, {
      hint: 'name a profile with sso_session or sso_start_url, or an `[sso-session]`',
    });
  }
  const near = nearestName(name, [...profiles.ssoSessions.keys(), ...profiles.profiles.keys()]);
  return failure('unknown-target', `there is neither a profile nor an \`[sso-session]\` called \`${name}\``, {
    hint: near === undefined ? '`stint ls` lists the profiles' : `did you mean \`${near}\`?`,
  });
}

/**
 * The session that a profile or an `[sso-session]` of that name signs in at; without a name the current profile's, else
 * the only one there is.
 * @throws Failure `unknown-target`, and those of `profileChain`.
 */
export function findSession(name: string | undefined, context: SsoContext): TokenWanted {
  if (name !== undefined) {
    const found = sessionOfProfile(name, context) ?? sessionOfName(name, context);
    if (found === undefined) throw unknown(name, context);
    return found;
  }
  const current = currentProfile(context.env);
  const own = context.profiles.profiles.has(current) ? sessionOfProfileOrNone(current, context) : undefined;
  if (own !== undefined) return own;
  const names = [...context.profiles.ssoSessions.keys()];
  if (names.length === 1) return sessionOfName(names[0]!, context)!;
  throw failure(
    'unknown-target',
    names.length === 0 ? 'no session of IAM Identity Center is configured' : 'which session?',
    {
      hint:
        names.length === 0
          ? `\`aws configure sso\` adds one, or write \`[sso-session NAME]\` into \`${context.profiles.files.config}\``
          : `name one of ${names.map((each) => `\`${each}\``).join(', ')}, or a profile`,
    },
  );
}

/** A current profile without credentials at all is no reason to refuse the only session there is. */
function sessionOfProfileOrNone(name: string, context: SsoContext): TokenWanted | undefined {
  try {
    return sessionOfProfile(name, context);
  } catch {
    return undefined;
  }
}

/** Every session that a section or a profile names, each once. Profiles that are wrong are left out. */
export function allSessions(context: SsoContext): readonly TokenWanted[] {
  const found = new Map<string, TokenWanted>();
  const names = [...context.profiles.ssoSessions.keys(), ...context.profiles.profiles.keys()];
  for (const name of names) {
    try {
      const wanted = sessionOfName(name, context) ?? sessionOfProfile(name, context);
      if (wanted !== undefined) found.set(wanted.session.name ?? wanted.session.startUrl, wanted);
    } catch {
      // It is told where it is used.
    }
  }
  return [...found.values()];
}

/** Signs in, whether somebody is signed in or not. @throws Failure as `ssoToken`. */
export async function signInAnew(wanted: TokenWanted, tools: SourceTools): Promise<void> {
  await ssoToken({ ...wanted, anew: true }, tools);
}

/** Ends the sign-in here and at AWS; false when nobody was signed in. @throws Failure `sso-unwritable`. */
export async function signOut({ session }: TokenWanted, tools: SourceTools): Promise<boolean> {
  const token: Secret | undefined = readToken(session, tools.env)?.accessToken;
  const file = tokenFile(session, tools.env);
  const removed = removeObject(file);
  removeObject(file.replace(/\.json$/, '.failed'));
  if (token === undefined) return removed;
  try {
    await endSignIn(session, token, callTools(tools));
  } catch {
    tools.note(
      `AWS could not be told: the sign-in to \`${session.startUrl}\` is gone from this machine, and ends there at its time`,
    );
  }
  return true;
}

/** True for a kept session that was had through the sign-in. */
export function isOfSession({ request }: KeptEntry, { name, startUrl }: SsoSession): boolean {
  const { from } = JSON.parse(request) as { from?: { sso?: { name?: string; startUrl?: string } } };
  return from?.sso !== undefined && from.sso.name === name && from.sso.startUrl === startUrl;
}
