// Checks an input against what AWS's models say of it: required members, lengths, ranges, patterns,
// enumerations. Every violation is found, and the refusal has the words of the service.
import type { Failure } from '../../base/index.ts';
import type { ServiceId } from '../call.ts';
import { awsFailure } from '../failures.ts';
import type { Member, OperationModel, Rule, ServiceModel, Structure } from './model.ts';
import { serviceModel, shapeOf, structureOf } from './models.ts';

type Values = Readonly<Record<string, unknown>>;

type Kind = 'integer' | 'required' | 'min-length' | 'max-length' | 'min-value' | 'max-value' | 'pattern' | 'enum';

interface Violation {
  /** `roleName`, `tags.1.member.key`. */
  readonly place: string;
  /** As it stands in messages; absent for a secret. */
  readonly shown: string | undefined;
  readonly kind: Kind;
  /** What follows `Member must …`. */
  readonly text: string;
  readonly pattern?: string | undefined;
}

const maxViolations = 20;

/** @throws the service's own refusal when `input` breaks a rule of the operation. */
export function checkConstraints(
  service: ServiceId,
  model: ServiceModel,
  operation: OperationModel,
  input: object,
): void {
  if (operation.input === undefined) return;
  const check = new Check(model);
  check.structure(structureOf(model, operation.input), input as Values, '', operation.rules);
  if (check.violations.length > 0) throw refusal(service, check.violations);
}

class Check {
  readonly violations: Violation[] = [];
  readonly #model: ServiceModel;

  constructor(model: ServiceModel) {
    this.#model = model;
  }

  structure(shape: Structure, values: Values, prefix: string, rules?: Readonly<Record<string, number>>): void {
    for (const name of shape.required ?? []) {
      if (values[name] === undefined)
        this.#add({ place: prefix + this.#told(shape, name), shown: 'null', kind: 'required', text: 'not be null' });
    }
    for (const [name, member] of Object.entries(shape.members)) {
      const value = values[name];
      if (value === undefined) continue;
      const index = rules?.[name] ?? member.rule;
      const place = prefix + initial(name);
      if (index !== undefined) this.#value(member, value, place, this.#model.rules[index]!);
      this.#below(member, value, place);
    }
  }

  /** EC2 tells what is missing by its name in the request: `InstanceId`, not `InstanceIds`. */
  #told({ members }: Structure, name: string): string {
    const { ec2Name, xmlName = name } = members[name] ?? {};
    return this.#model.protocol === 'ec2' ? (ec2Name ?? xmlName) : initial(name);
  }

  #below(member: Member, value: unknown, place: string): void {
    const shape = shapeOf(this.#model, member);
    if (shape?.kind === 'structure') this.structure(shape, value as Values, `${place}.`);
    if (shape?.kind !== 'list' || shapeOf(this.#model, shape.member) === undefined) return;
    (value as readonly unknown[]).forEach((item, index) =>
      this.#below(shape.member, item, `${place}.${index + 1}.member`),
    );
  }

  #value(member: Member, value: unknown, place: string, rule: Rule): void {
    const shown = member.sensitive === true ? undefined : showValue(value);
    const add = (kind: Kind, text: string, pattern?: string): void => this.#add({ place, shown, kind, text, pattern });
    if (typeof value === 'number') return checkNumber(value, rule, add);
    if (typeof value === 'string') return checkText(value, rule, add);
    if (!Array.isArray(value)) return;
    checkLength(value.length, rule, add);
    const { item } = rule;
    if (item === undefined) return;
    const broken = value.filter((one) => typeof one === 'string' && !satisfies(one, item));
    // AWS names the whole list and all rules of its items when one item breaks one.
    if (broken.length > 0) add('pattern', `satisfy constraint: [${itemRules(item).join(', ')}]`, item.pattern);
  }

  #add(violation: Violation): void {
    if (this.violations.length < maxViolations) this.violations.push(violation);
  }
}

type Add = (kind: Kind, text: string, pattern?: string) => void;

function checkNumber(value: number, rule: Rule, add: Add): void {
  if (rule.integer === true && !Number.isInteger(value)) add('integer', 'be a whole number');
  if (rule.min !== undefined && value < rule.min) add('min-value', `have value greater than or equal to ${rule.min}`);
  if (rule.max !== undefined && value > rule.max) add('max-value', `have value less than or equal to ${rule.max}`);
}

function checkLength(length: number, rule: Rule, add: Add): void {
  if (rule.min !== undefined && length < rule.min)
    add('min-length', `have length greater than or equal to ${rule.min}`);
  if (rule.max !== undefined && length > rule.max) add('max-length', `have length less than or equal to ${rule.max}`);
}

function checkText(value: string, rule: Rule, add: Add): void {
  checkLength(codePoints(value), rule, add);
  if (rule.enum !== undefined && !rule.enum.includes(value))
    add('enum', `satisfy enum value set: [${rule.enum.join(', ')}]`);
  // SECURITY: a text far over its length is refused by that alone. One pattern (e-mail) takes time with the
  // square of the length, and none may be run over a megabyte because a stranger sends one.
  if (rule.pattern === undefined || value.length > 2 * (rule.max ?? 131_072) || matches(rule.pattern, value)) return;
  add('pattern', `satisfy regular expression pattern: ${rule.pattern}`, rule.pattern);
}

function satisfies(value: string, rule: Rule): boolean {
  let whole = true;
  checkText(value, rule, () => (whole = false));
  return whole;
}

function itemRules(rule: Rule): string[] {
  return [
    ...(rule.max === undefined ? [] : [`Member must have length less than or equal to ${rule.max}`]),
    ...(rule.min === undefined ? [] : [`Member must have length greater than or equal to ${rule.min}`]),
    ...(rule.pattern === undefined ? [] : [`Member must satisfy regular expression pattern: ${rule.pattern}`]),
    ...(rule.enum === undefined ? [] : [`Member must satisfy enum value set: [${rule.enum.join(', ')}]`]),
  ];
}

function matches(pattern: string, value: string): boolean {
  return new RegExp(`^(?:${pattern})$`, 'u').test(value);
}

function codePoints(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    if (text.codePointAt(index)! > 0xffff) index++;
    count++;
  }
  return count;
}

function initial(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function showValue(value: unknown): string {
  const text = Array.isArray(value)
    ? `[${value.map((item) => (typeof item === 'string' ? item : 'structure')).join(', ')}]`
    : String(value);
  return `'${text.slice(0, 1024)}'`;
}

// The reasons and words of Organizations: API reference, InvalidInputException.
const organizationsReasons: Readonly<Record<Exclude<Kind, 'integer'>, readonly [reason: string, message: string]>> = {
  required: ['INPUT_REQUIRED', 'You must include a value for all required parameters.'],
  'min-length': ['MIN_LENGTH_EXCEEDED', 'You provided a string parameter that is shorter than allowed.'],
  'max-length': ['MAX_LENGTH_EXCEEDED', 'You provided a string parameter that is longer than allowed.'],
  'min-value': ['MIN_VALUE_EXCEEDED', 'You provided a numeric value that is smaller than allowed.'],
  'max-value': ['MAX_VALUE_EXCEEDED', 'You provided a numeric value that is larger than allowed.'],
  pattern: ['INVALID_PATTERN', 'You provided a value that does not match the required pattern.'],
  enum: ['INVALID_ENUM', 'You specified an invalid value.'],
};

// IAM has words of its own for the values people get wrong most.
const iamSentences: readonly (readonly [place: RegExp, pattern: string | undefined, sentence: string])[] = [
  [/./, '[\\w+=,.@-]+', 'It must contain only alphanumeric characters and/or the following: +=,.@_-'],
  [
    /^(?:newP|p)ath(?:Prefix)?$/,
    undefined,
    'It must begin and end with / and contain only alphanumeric characters and/or / characters.',
  ],
  [/[pP]olicyDocument$/, undefined, 'It must contain only printable ASCII characters.'],
];

function refusal(service: ServiceId, violations: readonly Violation[]): Failure {
  const first = violations[0]!;
  if (service === 's3') {
    // The body of PutBucketPolicy is no XML.
    if (first.kind === 'required' && first.place === 'policy') {
      return awsFailure('MalformedPolicy', "Policies must be valid JSON and the first byte must be '{'", {
        status: 400,
      });
    }
    if (first.kind === 'required' && !first.place.includes('.')) {
      return awsFailure('InvalidRequest', `Missing required parameter for this request: '${first.place}'`, {
        status: 400,
      });
    }
    return awsFailure(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
      { status: 400 },
    );
  }
  if (service === 'ec2') {
    return awsFailure('MissingParameter', `The request must contain the parameter ${capital(first.place)}`, {
      status: 400,
    });
  }
  // AWS fails to read such a number before it looks at any constraint.
  if (first.kind === 'integer') {
    const code = speaksJson(service) ? 'SerializationException' : 'MalformedInput';
    return awsFailure(code, `Invalid value for ${first.place}: a whole number is expected`, { status: 400 });
  }
  if (service === 'organizations') {
    const [Reason, message] = organizationsReasons[first.kind];
    return awsFailure('InvalidInputException', message, { status: 400, fields: { Reason } });
  }
  const sentence = service === 'iam' && first.kind === 'pattern' ? iamSentence(first) : undefined;
  const code = speaksJson(service) ? 'ValidationException' : 'ValidationError';
  const told = service === 'iam' ? violations.map(asIamTells) : violations;
  return awsFailure(code, sentence ?? coralMessage(told), { status: 400 });
}

function speaksJson(service: ServiceId): boolean {
  return serviceModel(service).protocol === 'json';
}

function capital(place: string): string {
  return place.charAt(0).toUpperCase() + place.slice(1);
}

function iamSentence({ place, pattern }: Violation): string | undefined {
  const found = iamSentences.find(([where, which]) => where.test(place) && (which === undefined || which === pattern));
  return found === undefined ? undefined : `The specified value for ${place} is invalid. ${found[2]}`;
}

/**
 * IAM repeats neither the value nor the values it would take. Source: LocalStack's tests/aws/services/iam snapshots,
 * recorded on AWS in 2025 (Apache-2.0).
 */
function asIamTells(violation: Violation): Violation {
  const text = violation.kind === 'enum' ? 'satisfy enum value set' : violation.text;
  return {
    ...violation,
    shown: undefined,
    text: text.replace(/^(satisfy constraint: .*)\]$/, '$1, Member must not be null]'),
  };
}

function coralMessage(violations: readonly Violation[]): string {
  const texts = violations.map(
    ({ place, shown, text }) =>
      `Value ${shown === undefined ? '' : `${shown} `}at '${place}' failed to satisfy constraint: Member must ${text}`,
  );
  return `${texts.length} validation error${texts.length === 1 ? '' : 's'} detected: ${texts.join('; ')}`;
}
