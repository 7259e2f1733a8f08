// Where a request says what AWS refuses: `file:line`, or the variable. A class, since a line means counting: nothing is
// looked up until AWS has refused.
import type { Environment, RequestPlaces } from './model.ts';
import type { ProfileChain } from './profile-chain.ts';
import { settingOf, type Profile } from './profiles.ts';

export class ChainPlaces implements RequestPlaces {
  readonly #chain: ProfileChain;
  readonly #env: Environment;

  constructor(chain: ProfileChain, env: Environment) {
    this.#chain = chain;
    this.#env = env;
  }

  role(arn: string): string | undefined {
    const role = this.#chain.roles.find(({ roleArn }) => roleArn === arn);
    return role?.place ?? role?.definedAt?.();
  }

  mfa(serial: string): string | undefined {
    const named = this.#chain.profiles.findLast((profile) => settingOf(profile, 'mfa_serial') === serial);
    if (named !== undefined) return named.placeOf('mfa_serial');
    return this.#env['AWS_MFA_SERIAL'] === serial ? 'AWS_MFA_SERIAL' : undefined;
  }

  keys(accessKeyId: string): string | undefined {
    const { source } = this.#chain;
    if (source.kind !== 'keys' || source.credentials.accessKeyId !== accessKeyId) return undefined;
    if (source.profile === undefined) return 'AWS_ACCESS_KEY_ID';
    return this.#profile(source.profile)?.placeOf('aws_access_key_id');
  }

  token(): string | undefined {
    const { source } = this.#chain;
    return source.kind === 'web-identity' ? source.place : undefined;
  }

  #profile(name: string): Profile | undefined {
    return this.#chain.profiles.find((profile) => profile.name === name);
  }
}
