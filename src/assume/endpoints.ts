// Where STS is: custom endpoints, regions, partitions, FIPS and dual-stack, in the order SDKs use.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html and feature-sts-regionalized-endpoints.html
import { failure } from './failures.ts';
import type { Environment, StsEndpoint } from './model.ts';
import type { Setting } from './ini.ts';
import { settingOf, type Profile, type ProfileSet } from './profiles.ts';

export interface EndpointChoice {
  readonly sts: StsEndpoint;
  readonly region: string | undefined;
  /** What the profile adds to the environment for whoever gets only its keys. */
  readonly settings: Readonly<Record<string, string>>;
}

interface Partition {
  readonly name: string;
  readonly prefix: RegExp;
  readonly suffix: string;
  readonly dualStackSuffix: string;
  /** Region of the signature when none is named. */
  readonly home: string;
}

// The first row is also the one of unknown regions.
const partitions: readonly Partition[] = [
  {
    name: 'aws',
    prefix: /^(?!cn-|us-gov-|eusc-|(?:us|eu)-iso[bef]?-)/,
    suffix: 'amazonaws.com',
    dualStackSuffix: 'api.aws',
    home: 'us-east-1',
  },
  {
    name: 'aws-us-gov',
    prefix: /^us-gov-/,
    suffix: 'amazonaws.com',
    dualStackSuffix: 'api.aws',
    home: 'us-gov-west-1',
  },
  {
    name: 'aws-cn',
    prefix: /^cn-/,
    suffix: 'amazonaws.com.cn',
    dualStackSuffix: 'api.amazonwebservices.com.cn',
    home: 'cn-north-1',
  },
  {
    name: 'aws-eusc',
    prefix: /^eusc-/,
    suffix: 'amazonaws.eu',
    dualStackSuffix: 'api.amazonwebservices.eu',
    home: 'eusc-de-east-1',
  },
  // Regions of their own networks. A name that is wrong for them would be asked for in public.
  isolated('aws-iso', 'us-iso-east-1', 'c2s.ic.gov', 'api.aws.ic.gov'),
  isolated('aws-iso-b', 'us-isob-east-1', 'sc2s.sgov.gov', 'api.aws.scloud'),
  isolated('aws-iso-e', 'eu-isoe-west-1', 'cloud.adc-e.uk'),
  isolated('aws-iso-f', 'us-isof-south-1', 'csp.hci.ic.gov'),
];

function isolated(name: string, home: string, suffix: string, dualStackSuffix = suffix): Partition {
  const [continent, network] = home.split('-');
  return { name, prefix: new RegExp(`^${continent}-${network}-`), suffix, dualStackSuffix, home };
}

/** The regions that `AWS_STS_REGIONAL_ENDPOINTS=legacy` sends to the global endpoint. */
const legacyGlobal = new Set(
  (
    'ap-northeast-1 ap-south-1 ap-southeast-1 ap-southeast-2 aws-global ca-central-1 eu-central-1 eu-north-1 ' +
    'eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2'
  ).split(' '),
);

/** Name of the partition a region belongs to: `aws`, `aws-us-gov`, `aws-cn`, `aws-eusc`, or one of the isolated. */
export function partitionOfRegion(region: string | undefined): string {
  return (partitions.find(({ prefix }) => prefix.test(region ?? '')) ?? partitions[0]!).name;
}

function partitionNamed(name: string): Partition {
  return partitions.find((row) => row.name === name) ?? partitions[0]!;
}

/** First non-empty variable of `names`. */
function variable(env: Environment, ...names: string[]): string | undefined {
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== '');
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}

function checkUrl(url: string, place: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== '') {
    throw failure('setting-invalid', `${place}: \`${url}\` is not an http or https address`, {
      hint: 'write it like `https://sts.eu-west-1.amazonaws.com` or `http://127.0.0.1:4566`',
    });
  }
  return url.replace(/\/+$/, '');
}

/** Endpoint settings of profiles, the target's before its sources'. */
class ProfileSettings {
  readonly #profiles: readonly Profile[];
  readonly #set: ProfileSet;

  constructor(profiles: readonly Profile[], set: ProfileSet) {
    this.#profiles = profiles;
    this.#set = set;
  }

  get(key: string): string | undefined {
    return this.#profiles.map((profile) => settingOf(profile, key)).find((value) => value !== undefined);
  }

  /** `file:line` of the setting that `get` takes. */
  placeOf(key: string): string {
    const profile = this.#profiles.find((each) => settingOf(each, key) !== undefined);
    return profile?.placeOf(key) ?? this.#set.files.config;
  }

  /** `endpoint_url` of each service in the `[services]` section that the first profile with one names. */
  serviceEndpoints(): ReadonlyMap<string, Setting> {
    const found = new Map<string, Setting>();
    const name = this.get('services');
    if (name === undefined) return found;
    const section = this.#set.services.get(name);
    if (section === undefined) {
      throw failure('profile-incomplete', `${this.placeOf('services')}: no section \`[services ${name}]\` exists`, {
        hint: `add the section to \`${this.#set.files.config}\`, or remove the line`,
      });
    }
    for (const [service, setting] of section.settings) {
      const url = setting.nested?.get('endpoint_url');
      if (url !== undefined && url.value !== '') found.set(service, url);
    }
    return found;
  }
}

/** `service` as the `[services]` section spells it. */
function customEndpoint(service: string, env: Environment, own: ProfileSettings): string | undefined {
  if (isTrue(variable(env, 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS') ?? own.get('ignore_configured_endpoint_urls')))
    return undefined;
  for (const name of [`AWS_ENDPOINT_URL_${service.toUpperCase()}`, 'AWS_ENDPOINT_URL']) {
    const url = variable(env, name);
    if (url !== undefined) return checkUrl(url, name);
  }
  const ofService = own.serviceEndpoints().get(service);
  if (ofService !== undefined) return checkUrl(ofService.value, ofService.place);
  const fromProfile = own.get('endpoint_url');
  return fromProfile === undefined ? undefined : checkUrl(fromProfile, own.placeOf('endpoint_url'));
}

function awsEndpoint(
  region: string | undefined,
  partitionName: string,
  env: Environment,
  own: ProfileSettings,
): { url: string; signingRegion: string } {
  const partition = partitionNamed(
    region === undefined || region === 'aws-global' ? partitionName : partitionOfRegion(region),
  );
  const fips = isTrue(variable(env, 'AWS_USE_FIPS_ENDPOINT') ?? own.get('use_fips_endpoint'));
  const dualStack = isTrue(variable(env, 'AWS_USE_DUALSTACK_ENDPOINT') ?? own.get('use_dualstack_endpoint'));
  const legacy = (variable(env, 'AWS_STS_REGIONAL_ENDPOINTS') ?? own.get('sts_regional_endpoints')) === 'legacy';
  const globally = region === undefined || region === 'aws-global' || (legacy && legacyGlobal.has(region));
  if (globally && partition.name === 'aws' && !fips && !dualStack) {
    return { url: 'https://sts.amazonaws.com', signingRegion: 'us-east-1' };
  }
  const place = region === undefined || region === 'aws-global' ? partition.home : region;
  // GovCloud's ordinary endpoints are the FIPS ones.
  const service = fips && (partition.name !== 'aws-us-gov' || dualStack) ? 'sts-fips' : 'sts';
  return {
    url: `https://${service}.${place}.${dualStack ? partition.dualStackSuffix : partition.suffix}`,
    signingRegion: place,
  };
}

/** Variables that carry the profile's endpoints to a program that gets its keys but not its profile. */
function carriedSettings(env: Environment, own: ProfileSettings): Record<string, string> {
  const carried: Record<string, string> = {};
  const carry = (name: string, value: string | undefined): void => {
    if (value !== undefined && variable(env, name) === undefined) carried[name] = value;
  };
  carry('AWS_ENDPOINT_URL', own.get('endpoint_url'));
  for (const [service, { value }] of own.serviceEndpoints()) {
    carry(`AWS_ENDPOINT_URL_${service.toUpperCase().replace(/[\s-]/g, '_')}`, value);
  }
  carry('AWS_CA_BUNDLE', own.get('ca_bundle'));
  carry('AWS_USE_FIPS_ENDPOINT', own.get('use_fips_endpoint'));
  carry('AWS_USE_DUALSTACK_ENDPOINT', own.get('use_dualstack_endpoint'));
  carry('AWS_STS_REGIONAL_ENDPOINTS', own.get('sts_regional_endpoints'));
  carry('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', own.get('ignore_configured_endpoint_urls'));
  return carried;
}

/** What the profile and the environment say about services that a person signs in at. */
export interface SignInSettings {
  readonly region: string | undefined;
  /** A configured address of the service, spelled as in `[services]`, without a slash at its end. */
  readonly configured: (service: 'sso' | 'sso_oidc' | 'signin') => string | undefined;
  readonly fips: boolean;
  readonly dualStack: boolean;
  readonly caBundle?: string | undefined;
}

/** @throws Failure `setting-invalid` for an address that is none, `profile-incomplete` for a missing `[services]` section. */
export function signInSettings(profile: Profile, set: ProfileSet, env: Environment): SignInSettings {
  const own = new ProfileSettings([profile], set);
  const caBundle = variable(env, 'AWS_CA_BUNDLE') ?? own.get('ca_bundle');
  return {
    region: own.get('region') ?? variable(env, 'AWS_REGION', 'AWS_DEFAULT_REGION'),
    configured: (service) => customEndpoint(service, env, own),
    fips: isTrue(variable(env, 'AWS_USE_FIPS_ENDPOINT') ?? own.get('use_fips_endpoint')),
    dualStack: isTrue(variable(env, 'AWS_USE_DUALSTACK_ENDPOINT') ?? own.get('use_dualstack_endpoint')),
    ...(caBundle === undefined ? {} : { caBundle }),
  };
}

/** A region in the form that may become part of a host name. */
export function isRegion(text: string): boolean {
  return /^[a-z0-9-]{1,63}$/.test(text);
}

/** Names of the partition a region belongs to that hosts are made of. */
export function hostSuffixes(region: string): Readonly<Record<'name' | 'suffix' | 'dualStackSuffix', string>> {
  return partitionNamed(partitionOfRegion(region));
}

function regionPlace(own: ProfileSettings, env: Environment): string {
  if (own.get('region') !== undefined) return own.placeOf('region');
  return variable(env, 'AWS_REGION') === undefined ? 'AWS_DEFAULT_REGION' : 'AWS_REGION';
}

/**
 * Chooses the region and the STS endpoint. `profiles` are the target's and then its sources'; the region
 * is the option's, else the first profile's that has one, else the environment's.
 * @throws Failure `setting-invalid` (`invalid-option` for a typed region) for an endpoint or region that is none, `profile-incomplete` for a missing `[services]` section.
 */
export function chooseEndpoint(
  input: { readonly region: string | undefined; readonly partition: string; readonly profiles: readonly Profile[] },
  set: ProfileSet,
  env: Environment,
): EndpointChoice {
  const own = new ProfileSettings(input.profiles, set);
  const region = input.region ?? own.get('region') ?? variable(env, 'AWS_REGION', 'AWS_DEFAULT_REGION');
  // SECURITY: the region becomes part of a host name; nothing else may slip into it.
  if (region !== undefined && !isRegion(region)) {
    const [code, place] =
      input.region === undefined
        ? (['setting-invalid', `${regionPlace(own, env)}: `] as const)
        : (['invalid-option', ''] as const);
    throw failure(code, `${place}\`${region}\` is not a region`, { hint: 'regions look like `eu-west-1`' });
  }
  const custom = customEndpoint('sts', env, own);
  const aws = awsEndpoint(region, input.partition, env, own);
  const caBundle = variable(env, 'AWS_CA_BUNDLE') ?? own.get('ca_bundle');
  return {
    sts: {
      url: custom ?? aws.url,
      signingRegion: aws.signingRegion,
      ...(caBundle === undefined ? {} : { caBundle }),
    },
    region,
    settings: carriedSettings(env, own),
  };
}
