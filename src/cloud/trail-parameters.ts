// Inputs and outputs as CloudTrail shows them: names begin small, times are text, and what is secret is
// hidden. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
import type { ServiceId } from './call.ts';
import type { Member, ServiceModel, Structure } from './protocol/model.ts';
import { serviceModel, shapeOf, structureOf } from './protocol/models.ts';

const hidden = 'HIDDEN_DUE_TO_SECURITY_REASONS';

/** Secrets that AWS's models do not mark as sensitive; compared without case. */
const secretNames: ReadonlySet<string> = new Set([
  'secretaccesskey',
  'sessiontoken',
  'password',
  'oldpassword',
  'newpassword',
  'servicepassword',
  'privatekey',
  'keymaterial',
  'userdata',
  'webidentitytoken',
  'samlassertion',
  'tokencode',
  'authenticationcode1',
  'authenticationcode2',
  'base32stringseed',
  'qrcodepng',
  'plaintext',
  'privatekeyplaintext',
  'sharedsecret',
]);

/**
 * "This field has a maximum size of 100 KB. When the field size exceeds 100 KB, the requestParameters content is
 * omitted"; the same of responseElements.
 */
const mostCharacters = 102_400;

/** The input of a call; null when it has no members. */
export function shownInput(service: ServiceId, operation: string, input: object | undefined): object | null {
  return shown(service, serviceModel(service).operations[operation]?.input, input, false);
}

/** What a call answered. Secrets that are made for the caller are left out, as from CreateAccessKey. */
export function shownOutput(service: ServiceId, operation: string, output: unknown): object | null {
  return shown(service, serviceModel(service).operations[operation]?.output, output as object | undefined, true);
}

function shown(service: ServiceId, name: string | undefined, values: object | undefined, leaveOut: boolean) {
  if (name === undefined || values === undefined || values === null) return null;
  const model = serviceModel(service);
  const shower = new Shower(model, leaveOut);
  const result = shower.structure(structureOf(model, name), values as Values);
  return Object.keys(result).length === 0 || shower.isTooLong ? null : result;
}

type Values = Readonly<Record<string, unknown>>;

class Shower {
  readonly #model: ServiceModel;
  readonly #leaveOut: boolean;
  #left = mostCharacters;

  constructor(model: ServiceModel, leaveOut: boolean) {
    this.#model = model;
    this.#leaveOut = leaveOut;
  }

  /** Names and other values take little beside the texts that are counted. */
  get isTooLong(): boolean {
    return this.#left < 0;
  }

  structure(shape: Structure, values: Values): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(shape.members)) {
      const value = values[name];
      if (value === undefined || value === null) continue;
      const one = this.#member(name, member, value);
      if (one !== undefined) result[this.#name(name)] = one;
    }
    return result;
  }

  #member(name: string, member: Member, value: unknown): unknown {
    const isSecret = member.sensitive === true || secretNames.has(name.toLowerCase());
    if (!isSecret) return this.#value(member, value);
    // Who looks at the history of a session should see that there was a token.
    return this.#leaveOut && name !== 'SessionToken' ? undefined : hidden;
  }

  #value(member: Member, value: unknown): unknown {
    const shape = shapeOf(this.#model, member);
    if (shape?.kind === 'structure') return this.structure(shape, value as Values);
    if (shape?.kind === 'list') return (value as readonly unknown[]).map((one) => this.#value(shape.member, one));
    if (shape?.kind === 'map') {
      const entries = Object.entries(value as object).map(([key, one]) => [key, this.#value(shape.value, one)]);
      return Object.fromEntries(entries) as object;
    }
    if (value instanceof Date) return timeText(value);
    // Bytes and streams are contents, not parameters.
    if (typeof value === 'object' || typeof value === 'function') return undefined;
    if (typeof value === 'string') this.#left -= value.length;
    return value;
  }

  /** `SAMLProviderArn` → `sAMLProviderArn`, as CloudTrail does it; a bucket is a `bucketName`. */
  #name(name: string): string {
    if (this.#model.service === 's3' && name === 'Bucket') return 'bucketName';
    return name.charAt(0).toLowerCase() + name.slice(1);
  }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Mar 24, 2014 9:11:59 PM`, in UTC. By hand: `Intl` takes longer than the whole rest of an event. */
function timeText(time: Date): string {
  const hours = time.getUTCHours();
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${hours % 12 === 0 ? 12 : hours % 12}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())}`;
  const day = `${months[time.getUTCMonth()]} ${time.getUTCDate()}, ${time.getUTCFullYear()}`;
  return `${day} ${clock} ${hours < 12 ? 'AM' : 'PM'}`;
}
