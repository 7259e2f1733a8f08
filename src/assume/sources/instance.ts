// The role of the EC2 instance that this runs on, by version 2 of its metadata service; version 1 only where that is
// all there is and nobody forbids it.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html
import { failure } from '../failures.ts';
import type { HttpAnswer, HttpLoss } from '../http.ts';
import type { Credentials } from '../model.ts';
import { askMetadata, readMetadataCredentials, whyNot } from './metadata-credentials.ts';
import type { SourceOf, SourceTools } from './source.ts';

type InstanceSource = SourceOf<'instance'>;

const tokenSeconds = 21_600;
const rolePath = 'latest/meta-data/iam/security-credentials/';

function refuse(source: InstanceSource, what: string, hint: string): Error {
  // Where nothing names the instance, it was the last place to look in: what is wrong is that there are no keys.
  if (source.place === undefined) {
    return failure(
      'no-credentials',
      `there are no credentials to begin with, and the instance metadata has none: ${what}`,
      {
        hint: 'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; AWS_EC2_METADATA_DISABLED=true ends the search for an instance',
      },
    );
  }
  return failure(
    'metadata-failed',
    `${source.place}: no credentials from the instance metadata at \`${source.url}\`: ${what}`,
    {
      hint,
    },
  );
}

const onInstance = 'run it on an EC2 instance, or name its metadata service with AWS_EC2_METADATA_SERVICE_ENDPOINT';

/** Asks for one path of the service. */
class Metadata {
  readonly #source: InstanceSource;
  readonly #tools: SourceTools;
  #token: string | undefined;

  constructor(source: InstanceSource, tools: SourceTools) {
    this.#source = source;
    this.#tools = tools;
  }

  #ask(method: 'GET' | 'PUT', path: string, headers: Readonly<Record<string, string>>): Promise<HttpAnswer | HttpLoss> {
    const { url, patience, attempts } = this.#source;
    return askMetadata({ method, url: new URL(path, `${url}/`), headers, patience, attempts }, this.#tools);
  }

  /** Opens a session of version 2. Leaves it out where the service has none, as SDKs do, unless that is forbidden. */
  async begin(): Promise<void> {
    const answer = await this.#ask('PUT', 'latest/api/token', {
      'x-aws-ec2-metadata-token-ttl-seconds': String(tokenSeconds),
    });
    if ('status' in answer && answer.status === 200 && /^[\x21-\x7e]+$/.test(answer.body)) {
      this.#token = answer.body;
      return;
    }
    // A token that is lost on its way back has one hop too many: a container on the instance, and a hop limit of 1.
    const without = 'lost' in answer ? answer.sent : [403, 404, 405].includes(answer.status);
    if (!without) throw refuse(this.#source, whyNot(answer), onInstance);
    if (!this.#source.allowsVersion1) {
      throw refuse(
        this.#source,
        `it gave no token of version 2 (${whyNot(answer)}), and version 1 is switched off`,
        'let the instance allow version 2 with a hop limit of 2 for containers, or remove ec2_metadata_v1_disabled',
      );
    }
    this.#tools.explain('the metadata service gave no token: going on with version 1');
  }

  async read(path: string): Promise<HttpAnswer | HttpLoss> {
    return this.#ask('GET', path, this.#token === undefined ? {} : { 'x-aws-ec2-metadata-token': this.#token });
  }
}

/** Credentials of the instance's role. @throws Failure `metadata-failed`; `no-credentials` when nothing named the instance. */
export async function readInstance(source: InstanceSource, tools: SourceTools): Promise<Credentials> {
  const metadata = new Metadata(source, tools);
  await metadata.begin();
  const roles = await metadata.read(rolePath);
  const role = 'status' in roles && roles.status === 200 ? roles.body.split('\n')[0]!.trim() : '';
  if (role === '') {
    const none = 'status' in roles && [200, 404].includes(roles.status);
    throw refuse(
      source,
      none ? 'it has no role' : whyNot(roles),
      none ? 'give the instance an instance profile with a role' : onInstance,
    );
  }
  const answer = await metadata.read(`${rolePath}${encodeURIComponent(role)}`);
  if (!('status' in answer) || answer.status !== 200) throw refuse(source, whyNot(answer), onInstance);
  const found = readMetadataCredentials(answer.body, tools.clock);
  if ('problem' in found) {
    throw refuse(
      source,
      found.problem,
      `let the trust policy of the role \`${role}\` name ec2.amazonaws.com, and look at the instance profile`,
    );
  }
  return found;
}
