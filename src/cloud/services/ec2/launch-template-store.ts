// Launch templates and their versions as they are kept, and how a request names one.
import type { RequestLaunchTemplateData } from '@aws-sdk/client-ec2';
import type { Millis } from '../../../base/index.ts';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { fromKept, toKept } from '../../kept-document.ts';
import { tableName } from '../../world.ts';
import { invalidCombination, missingParameter } from './failures.ts';

export interface LaunchTemplate {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Millis;
  readonly createdBy: string;
  readonly defaultVersion: number;
  /** Numbers are not used again, so this may be one that was deleted. */
  readonly lastNumber: number;
}

export interface TemplateVersion {
  readonly number: number;
  readonly description?: string | undefined;
  readonly createdAt: Millis;
  readonly createdBy: string;
  readonly data: RequestLaunchTemplateData;
}

/** Id: `REGION/lt-…`. */
const templates = tableName<LaunchTemplate>('ec2.launch-template');
/** Id: `REGION/NAME` → the template's id. */
const templateNames = tableName<string>('ec2.launch-template-name');
/** Id: `REGION/lt-…/` and the version's number in eight digits. */
const versions = tableName<TemplateVersion>('ec2.launch-template-version');

const idOf = (call: Call, id: string): string => `${call.region}/${id}`;
const versionId = (call: Call, id: string, number: number): string =>
  `${idOf(call, id)}/${String(number).padStart(8, '0')}`;

export interface TemplateName {
  readonly LaunchTemplateId?: string | undefined;
  readonly LaunchTemplateName?: string | undefined;
}

export function findTemplateByName(call: Call, name: string): LaunchTemplate | undefined {
  const id = call.world.table(templateNames).get(call.account, idOf(call, name));
  return id === undefined ? undefined : call.world.table(templates).get(call.account, idOf(call, id));
}

export function findTemplate(call: Call, named: TemplateName): LaunchTemplate | undefined {
  if (named.LaunchTemplateId === undefined) return findTemplateByName(call, named.LaunchTemplateName ?? '');
  return call.world.table(templates).get(call.account, idOf(call, named.LaunchTemplateId));
}

/**
 * @throws MissingParameter, InvalidParameterCombination, InvalidLaunchTemplateId.Malformed,
 * InvalidLaunchTemplateId.NotFound, InvalidLaunchTemplateName.NotFoundException; all 400
 */
export function templateOf(call: Call, named: TemplateName): LaunchTemplate {
  const { LaunchTemplateId: id, LaunchTemplateName: name } = named;
  if (id === undefined && name === undefined) throw missingParameter('LaunchTemplateId or LaunchTemplateName');
  if (id !== undefined && name !== undefined) {
    throw invalidCombination('You can specify either a launch template ID or a launch template name, but not both.');
  }
  const found = findTemplate(call, named);
  if (found !== undefined) return found;
  if (id === undefined) {
    throw awsFailure(
      'InvalidLaunchTemplateName.NotFoundException',
      `The specified launch template, with template name ${name}, does not exist.`,
      { status: 400 },
    );
  }
  throw /^lt-(?:[0-9a-f]{8}|[0-9a-f]{17})$/.test(id)
    ? awsFailure(
        'InvalidLaunchTemplateId.NotFound',
        `The specified launch template, with template ID ${id}, does not exist.`,
        { status: 400 },
      )
    : awsFailure('InvalidLaunchTemplateId.Malformed', `Invalid id: "${id}" (expecting "lt-...")`, { status: 400 });
}

export function* templatesOf(call: Call): Generator<LaunchTemplate> {
  for (const [id, template] of call.world.table(templates).list(call.account, `${call.region}/`)) {
    if (!id.startsWith(`${call.region}/`)) return;
    yield template;
  }
}

/** Every version that is left, the newest first, as AWS lists them. */
export function versionsOf(call: Call, template: LaunchTemplate): readonly TemplateVersion[] {
  const prefix = `${idOf(call, template.id)}/`;
  const found: TemplateVersion[] = [];
  for (const [id, version] of call.world.table(versions).list(call.account, prefix)) {
    if (!id.startsWith(prefix)) break;
    found.push(kept(version));
  }
  return found.reverse();
}

const kept = (version: TemplateVersion): TemplateVersion => ({
  ...version,
  data: fromKept(version.data) as RequestLaunchTemplateData,
});

export function findVersion(call: Call, template: LaunchTemplate, number: number): TemplateVersion | undefined {
  const found = call.world.table(versions).get(call.account, versionId(call, template.id, number));
  return found === undefined ? undefined : kept(found);
}

/** The number that a request means by `3`, `$Default` or `$Latest`; NaN for what is none. */
export function versionNumber(call: Call, template: LaunchTemplate, wanted: string): number {
  if (wanted === '$Default') return template.defaultVersion;
  if (wanted === '$Latest') return latestVersion(call, template);
  return /^\d{1,8}$/.test(wanted) ? Number(wanted) : Number.NaN;
}

/** The highest number that is left. */
export function latestVersion(call: Call, template: LaunchTemplate): number {
  return findVersion(call, template, template.lastNumber)?.number ?? versionsOf(call, template)[0]?.number ?? 0;
}

/** @throws InvalidLaunchTemplateId.VersionNotFound 400 */
export function versionOf(call: Call, template: LaunchTemplate, wanted: string): TemplateVersion {
  const number = versionNumber(call, template, wanted);
  const found = Number.isNaN(number) ? undefined : findVersion(call, template, number);
  if (found !== undefined) return found;
  throw awsFailure(
    'InvalidLaunchTemplateId.VersionNotFound',
    `Could not find the specified version ${wanted} for the launch template with ID ${template.id}.`,
    { status: 400 },
  );
}

export function putTemplate(call: Call, template: LaunchTemplate): void {
  call.world.table(templates).put(call.account, idOf(call, template.id), template);
  call.world.table(templateNames).put(call.account, idOf(call, template.name), template.id);
}

export function putVersion(call: Call, template: LaunchTemplate, version: TemplateVersion): void {
  call.world.table(versions).put(call.account, versionId(call, template.id, version.number), {
    ...version,
    data: toKept(version.data) as RequestLaunchTemplateData,
  });
}

export function removeVersion(call: Call, template: LaunchTemplate, number: number): void {
  call.world.table(versions).delete(call.account, versionId(call, template.id, number));
}

export function removeTemplate(call: Call, template: LaunchTemplate): void {
  for (const { number } of versionsOf(call, template)) removeVersion(call, template, number);
  call.world.table(templates).delete(call.account, idOf(call, template.id));
  call.world.table(templateNames).delete(call.account, idOf(call, template.name));
}
