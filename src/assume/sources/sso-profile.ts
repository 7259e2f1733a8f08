// From the settings of a profile to its place in IAM Identity Center. Reads settings, asks nobody: it is on the way of
// every command. https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
import { nearestName } from '../../base/index.ts';
import { hostSuffixes, isRegion, signInSettings, type SignInSettings } from '../endpoints.ts';
import { failure } from '../failures.ts';
import type { Setting } from '../ini.ts';
import type { Environment, SsoSession } from '../model.ts';
import type { Profile, ProfileSet } from '../profiles.ts';
import type { SourceOf } from './source.ts';

/** Settings of one `[sso-session]` or profile, with the place that is told when one is wrong. */
interface Settings {
  readonly settings: ReadonlyMap<string, Setting>;
  readonly place: string;
  readonly what: string;
}

/** True for a profile that takes its credentials from a role of Identity Center. `sso_session` alone is for tokens. */
export function isSsoProfile({ settings }: Profile): boolean {
  return ['sso_account_id', 'sso_role_name'].some((key) => (settings.get(key)?.value ?? '') !== '');
}

function settingsOf({ settings, place, name }: Profile): Settings {
  return { settings, place, what: `profile \`${name}\`` };
}

function required({ settings, place, what }: Settings, key: string): { value: string; place: string } {
  const found = settings.get(key);
  if (found !== undefined && found.value !== '') return found;
  throw failure('profile-incomplete', `${place}: ${what} lacks ${key}`, {
    hint: 'a role of IAM Identity Center needs sso_account_id and sso_role_name, and sso_session or sso_start_url with sso_region',
  });
}

function checkStartUrl(value: string, place: string): string {
  const url = URL.parse(value);
  // SECURITY: the address is opened in a browser and its scheme decides what that does.
  if (url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url)))) return value;
  throw failure('setting-invalid', `${place}: sso_start_url is not an https address`, {
    hint: 'copy the address of the access portal, such as `https://d-1234567890.awsapps.com/start`',
  });
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
}

function host(label: string, region: string, { fips, dualStack }: SignInSettings): string {
  const { name, suffix, dualStackSuffix } = hostSuffixes(region);
  // GovCloud's usual hosts are the FIPS ones.
  const mark = fips && (name !== 'aws-us-gov' || dualStack) ? '-fips' : '';
  return `https://${label}${mark}.${region}.${dualStack ? dualStackSuffix : suffix}`;
}

function readSession(from: Settings, name: string | undefined, own: SignInSettings): SsoSession {
  const start = required(from, 'sso_start_url');
  const region = required(from, 'sso_region');
  if (!isRegion(region.value)) {
    throw failure('setting-invalid', `${region.place}: \`${region.value}\` is not a region`, {
      hint: 'sso_region is the region that Identity Center was switched on in, like `eu-west-1`',
    });
  }
  const scopes = (from.settings.get('sso_registration_scopes')?.value ?? '').split(',').map((scope) => scope.trim());
  return {
    name,
    startUrl: checkStartUrl(start.value, start.place),
    region: region.value,
    scopes: scopes.filter((scope) => scope !== ''),
    place: start.place,
    oidcUrl: own.configured('sso_oidc') ?? host('oidc', region.value, own),
    portalUrl: own.configured('sso') ?? host('portal.sso', region.value, own),
    caBundle: own.caBundle,
  };
}

function refuseDifference(profile: Profile, section: ReadonlyMap<string, Setting>, name: string): void {
  for (const key of ['sso_start_url', 'sso_region']) {
    const mine = profile.settings.get(key);
    if (mine === undefined || mine.value === section.get(key)?.value) continue;
    throw failure(
      'profile-conflict',
      `${mine.place}: profile \`${profile.name}\` has another ${key} than its \`[sso-session ${name}]\``,
      { hint: `remove ${key} from the profile` },
    );
  }
}

/**
 * The `[sso-session]` of that name; `from` is the `file:line` that names it.
 * @throws Failure `profile-incomplete`, `setting-invalid`, each with `file:line`.
 */
export function ssoSessionNamed(
  name: string,
  { own, set, from }: { readonly own: SignInSettings; readonly set: ProfileSet; readonly from?: string },
): SsoSession {
  const section = set.ssoSessions.get(name);
  if (section === undefined) {
    const near = nearestName(name, set.ssoSessions.keys());
    throw failure(
      'profile-incomplete',
      `${from === undefined ? '' : `${from}: `}there is no \`[sso-session ${name}]\``,
      {
        hint:
          near === undefined
            ? `add it to \`${set.files.config}\`, or run \`aws configure sso\``
            : `did you mean \`${near}\`?`,
      },
    );
  }
  return readSession(
    { settings: section.settings, place: section.place, what: `\`[sso-session ${name}]\`` },
    name,
    own,
  );
}

/**
 * The session of Identity Center that a profile names.
 * @throws Failure `profile-incomplete`, `profile-conflict`, `setting-invalid`, each with `file:line`.
 */
export function ssoSessionOf(profile: Profile, set: ProfileSet, env: Environment): SsoSession {
  const own = signInSettings(profile, set, env);
  const named = profile.settings.get('sso_session');
  if (named === undefined || named.value === '') return readSession(settingsOf(profile), undefined, own);
  const session = ssoSessionNamed(named.value, { own, set, from: named.place });
  refuseDifference(profile, set.ssoSessions.get(named.value)!.settings, named.value);
  return session;
}

/**
 * The role of Identity Center that a profile names.
 * @throws Failure as `ssoSessionOf`.
 */
export function ssoSource(profile: Profile, set: ProfileSet, env: Environment): SourceOf<'sso'> {
  const mine = settingsOf(profile);
  const account = required(mine, 'sso_account_id');
  const role = required(mine, 'sso_role_name');
  if (!/^\d{12}$/.test(account.value)) {
    throw failure('setting-invalid', `${account.place}: sso_account_id is not twelve digits`, {
      hint: 'write it like `sso_account_id = 123456789012`',
    });
  }
  return {
    kind: 'sso',
    from: `Identity Center role of profile \`${profile.name}\``,
    profile: profile.name,
    session: ssoSessionOf(profile, set, env),
    accountId: account.value,
    roleName: role.value,
    place: account.place,
  };
}
