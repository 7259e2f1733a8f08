// One resource of a Terraform file, as far as it is read, and how a file's resources are made into these.
import { readAttributes, readData } from './attributes.ts';
import { flagIn, listIn, marksAny, objectIn } from './values.ts';

export interface TerraformResource {
  /** `module.dev.aws_iam_role.worker[0]`. */
  readonly address: string;
  /** The same without keys of modules and instances: where it stands in the configuration. */
  readonly configAddress: string;
  /** `module.dev`; empty in the root module. */
  readonly module: string;
  readonly type: string;
  readonly mode: 'managed' | 'data';
  /** Key of `count` or `for_each`. */
  readonly index?: string | number | undefined;
  /** The attributes that are read of this type, without those known only after apply and those marked sensitive. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Attributes that Terraform will know only after apply. Unknown is not empty. */
  readonly unknown: ReadonlySet<string>;
  /** Attributes that Terraform marks as sensitive: they were not read. */
  readonly sensitive: ReadonlySet<string>;
  /** `aws` or `aws.dev`, where the file tells. */
  readonly provider?: string | undefined;
  /** Config addresses of what it was made after. */
  readonly dependsOn: readonly string[];
}

/** `module.a["x"].aws_iam_role.r[0]` becomes `module.a.aws_iam_role.r`. Keys may hold any text, quoted. */
export function withoutKeys(address: string): string {
  return address.replaceAll(/\[(?:"(?:[^"\\]|\\.)*"|\d+)\]/g, '');
}

/** The module part of an address, with its keys. */
export function moduleOf(address: string): string {
  return /^(?:module\.[\w-]+(?:\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?\.)*/.exec(address)?.[0].replace(/\.$/, '') ?? '';
}

/** The account that an export of Stint names a resource after: what stands before `__` in its name. */
export function labelOf({ configAddress }: TerraformResource): string | undefined {
  return /\.([A-Za-z][\w-]*?)__/.exec(configAddress)?.[1];
}

export interface RawResource {
  readonly address: string;
  readonly type: string;
  readonly mode: string;
  readonly index?: string | number | undefined;
  readonly values: Readonly<Record<string, unknown>>;
  readonly unknown?: unknown;
  /** Terraform's mask over `values`, or `true` for all. */
  readonly sensitive: unknown;
  readonly provider?: string | undefined;
  readonly dependsOn?: readonly string[] | undefined;
}

/** Whether anything of such a resource is read. */
export function isRead(type: string, mode: string): boolean {
  return Object.hasOwn(mode === 'data' ? readData : readAttributes, type);
}

/** What AWS fills in where the configuration says nothing: unknown as a whole then, and of no meaning. */
const filledByAws: ReadonlySet<string> = new Set(['inline_policy', 'managed_policy_arns', 'tags_all', 'unique_id']);

/** A resource with nothing in it but what may be read. The type must be one that is (`isRead`). */
export function pickResource(raw: RawResource): TerraformResource {
  const mode = raw.mode === 'data' ? 'data' : 'managed';
  const wanted = (mode === 'data' ? readData : readAttributes)[raw.type] ?? [];
  const marked = (mask: unknown, name: string): boolean => mask === true || marksAny(objectIn({ mask }, 'mask')[name]);
  const sensitive = new Set(wanted.filter((name) => marked(raw.sensitive, name)));
  const unknownMask = objectIn({ mask: raw.unknown }, 'mask');
  const isUnknown = (name: string): boolean => {
    // Of a block only what is read of it counts: AWS fills in the rest.
    if (name === 'metadata_options' && unknownMask[name] !== true) {
      return flagIn(listIn(unknownMask, name)[0], 'http_tokens');
    }
    return marked(raw.unknown, name) && !(filledByAws.has(name) && unknownMask[name] === true);
  };
  const unknown = new Set(wanted.filter(isUnknown));
  return {
    address: raw.address,
    configAddress: withoutKeys(raw.address),
    module: moduleOf(raw.address),
    type: raw.type,
    mode,
    index: raw.index,
    values: Object.fromEntries(
      wanted
        .filter((name) => !sensitive.has(name) && !unknown.has(name) && (raw.values[name] ?? null) !== null)
        .map((name) => [name, raw.values[name]]),
    ),
    unknown,
    sensitive,
    provider: raw.provider,
    dependsOn: raw.dependsOn ?? [],
  };
}
