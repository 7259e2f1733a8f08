// The catalogue's text, read service by service. Blocks part services, lines the parts of one:
//   prefix TAB name
//   key SP type, parted by TABs: the condition keys of the service, or `-`
//   type|ARN templates|keys, parted by TABs: its resource types, or `-`
//   one line per action: level letter and name, SP its types (`!` where AWS demands one), SP its keys
// Types and keys are numbers in base 36 in the order above. Written by tools/generate-catalog.ts.

/** Access levels in the words of AWS's Service Authorization Reference. */
export type AccessLevel = 'List' | 'Read' | 'Write' | 'Permissions management' | 'Tagging';

export interface ConditionKey {
  /** `aws:RequestTag/${TagKey}`. */
  readonly key: string;
  /** `String`, `Bool`, `ARN`, `ArrayOfString`…: what the operator has to fit. */
  readonly type: string;
}

export interface ResourceType {
  /** `service:type`. */
  readonly name: string;
  /** `arn:${Partition}:s3:::${BucketName}`; most types have one. */
  readonly arns: readonly string[];
  readonly conditionKeys: readonly string[];
}

export interface ActionResource {
  readonly type: ResourceType;
  /** Whether a call always names one. */
  readonly required: boolean;
}

export interface CatalogAction {
  /** `s3:GetObject`, in AWS's spelling. */
  readonly name: string;
  readonly level: AccessLevel;
  /** Empty: the action is asked for `*`. */
  readonly resources: readonly ActionResource[];
  /** Those of the action and of its resource types, without the global ones that every request has. */
  readonly conditionKeys: readonly string[];
}

export interface CatalogService {
  readonly prefix: string;
  readonly name: string;
  readonly conditionKeys: readonly ConditionKey[];
  readonly types: readonly ResourceType[];
  readonly actions: readonly CatalogAction[];
}

const levels: Readonly<Record<string, AccessLevel>> = {
  L: 'List',
  R: 'Read',
  W: 'Write',
  P: 'Permissions management',
  T: 'Tagging',
};

const parts = (text: string | undefined, separator: string): readonly string[] =>
  text === undefined || text === '' || text === '-' ? [] : text.split(separator);

const numbered =
  <Value>(values: readonly Value[]) =>
  (number: string): Value =>
    values[Number.parseInt(number, 36)]!;

function readType(service: string, text: string, keyAt: (number: string) => string): ResourceType {
  const [name, arns, keys] = text.split('|');
  return { name: `${service}:${name}`, arns: arns!.split(', '), conditionKeys: parts(keys, ',').map(keyAt) };
}

/** Reads one service's block. */
export function readService(block: string): CatalogService {
  const [head, keyLine, typeLine, ...lines] = block.split('\n');
  const [prefix, name] = head!.split('\t') as [string, string];
  const conditionKeys = parts(keyLine, '\t').map((text): ConditionKey => {
    const space = text.lastIndexOf(' ');
    return { key: text.slice(0, space), type: text.slice(space + 1) };
  });
  const keyAt = numbered(conditionKeys.map(({ key }) => key));
  const types = parts(typeLine, '\t').map((text) => readType(prefix, text, keyAt));
  const typeAt = numbered(types);
  const actions = lines.map((line): CatalogAction => {
    const [label, used, keys] = line.split(' ');
    const resources = parts(used, ',').map((number) => ({ type: typeAt(number), required: number.endsWith('!') }));
    return {
      name: `${prefix}:${label!.slice(1)}`,
      level: levels[label![0]!]!,
      resources,
      conditionKeys: parts(keys, ',').map(keyAt),
    };
  });
  return { prefix, name, conditionKeys, types, actions };
}

/** The blocks of the text by the prefix of their service. */
export function blocksOf(text: string): ReadonlyMap<string, string> {
  return new Map(text.split('\n\n').map((block) => [block.slice(0, block.indexOf('\t')), block]));
}
