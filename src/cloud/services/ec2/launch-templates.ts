// Launch templates: made, versioned, listed, deleted. What a template says is checked when it is launched from.
// Source: EC2 user guide, "Store instance launch parameters in Amazon EC2 launch templates".
import type {
  CreateLaunchTemplateCommandInput,
  CreateLaunchTemplateResult,
  CreateLaunchTemplateVersionCommandInput,
  CreateLaunchTemplateVersionResult,
  DeleteLaunchTemplateCommandInput,
  DeleteLaunchTemplateResult,
  DeleteLaunchTemplateVersionsCommandInput,
  DeleteLaunchTemplateVersionsResult,
  DescribeLaunchTemplatesCommandInput,
  DescribeLaunchTemplatesResult,
  LaunchTemplate as TemplateShape,
  LaunchTemplateVersion as VersionShape,
  ModifyLaunchTemplateCommandInput,
  ModifyLaunchTemplateResult,
  RequestLaunchTemplateData,
} from '@aws-sdk/client-ec2';
import type { Call, Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { madeBefore, rememberToken } from './client-tokens.ts';
import { missingParameter } from './failures.ts';
import { filtered, paged } from './filters.ts';
import { ec2Arn, newId } from './ids.ts';
import {
  findTemplate,
  findTemplateByName,
  findVersion,
  latestVersion,
  putTemplate,
  putVersion,
  removeTemplate,
  removeVersion,
  templateOf,
  templatesOf,
  versionOf,
  type LaunchTemplate,
  type TemplateName,
  type TemplateVersion,
} from './launch-template-store.ts';
import { checkUserData } from './launch-plan.ts';
import { onEverything, onNew, onResource } from './permissions.ts';
import { tagList } from './shapes.ts';
import { dryRunnable, putTags, tagsOf } from './store.ts';
import { createdTags } from './tag-specifications.ts';

const caller = (call: Call): string => ('arn' in call.principal ? call.principal.arn : '');

function templateShape(call: Call, template: LaunchTemplate): TemplateShape {
  const tags = tagList(tagsOf(call, template.id));
  return {
    LaunchTemplateId: template.id,
    LaunchTemplateName: template.name,
    CreateTime: new Date(template.createdAt),
    CreatedBy: template.createdBy,
    DefaultVersionNumber: template.defaultVersion,
    LatestVersionNumber: latestVersion(call, template),
    ...(tags.length === 0 ? {} : { Tags: tags }),
  };
}

export function versionShape(template: LaunchTemplate, version: TemplateVersion): VersionShape {
  return {
    LaunchTemplateId: template.id,
    LaunchTemplateName: template.name,
    VersionNumber: version.number,
    ...(version.description === undefined ? {} : { VersionDescription: version.description }),
    CreateTime: new Date(version.createdAt),
    CreatedBy: version.createdBy,
    DefaultVersion: version.number === template.defaultVersion,
    // The answer's members are those of the request.
    LaunchTemplateData: version.data,
  };
}

/** `action` on the template a request names; one that does not exist has an ARN of its own name. */
function onTemplate(call: Call, action: string, named: TemplateName): Permission {
  const id = findTemplate(call, named)?.id ?? named.LaunchTemplateId ?? `lt-${named.LaunchTemplateName ?? ''}`;
  return onResource(call, action, id, { 'ec2:LaunchTemplate': ec2Arn(call, 'launch-template', id) });
}

function checkData(data: RequestLaunchTemplateData | undefined): RequestLaunchTemplateData {
  if (data === undefined) throw missingParameter('LaunchTemplateData');
  checkUserData(data.UserData);
  return data;
}

export const CreateLaunchTemplate = dryRunnable<CreateLaunchTemplateCommandInput, CreateLaunchTemplateResult>({
  permissions: (input, call) =>
    onNew(call, 'CreateLaunchTemplate', 'launch-template', createdTags(input.TagSpecifications, 'launch-template')),
  handle(input, call) {
    const [known] = madeBefore(input, call) ?? [];
    if (known !== undefined) {
      return { LaunchTemplate: templateShape(call, templateOf(call, { LaunchTemplateId: known })) };
    }
    const name = input.LaunchTemplateName ?? '';
    checkName(call, name);
    const at = { createdAt: call.clock.now(), createdBy: caller(call) };
    const id = newId(call.random, 'lt');
    const template: LaunchTemplate = { ...at, id, name, defaultVersion: 1, lastNumber: 1 };
    putTemplate(call, template);
    putVersion(call, template, {
      ...at,
      number: 1,
      description: input.VersionDescription,
      data: checkData(input.LaunchTemplateData),
    });
    putTags(call, id, createdTags(input.TagSpecifications, 'launch-template'));
    rememberToken(input, [id], call);
    return { LaunchTemplate: templateShape(call, template) };
  },
  depth: 'data is checked when it is launched from',
});

function checkName(call: Call, name: string): void {
  if (name === '') throw missingParameter('LaunchTemplateName');
  if (!/^[a-zA-Z0-9().\-/_]{3,128}$/.test(name)) {
    throw awsFailure(
      'InvalidLaunchTemplateName.MalformedException',
      'A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the following characters: - ( ) . / _.',
      { status: 400 },
    );
  }
  if (findTemplateByName(call, name) !== undefined) {
    throw awsFailure('InvalidLaunchTemplateName.AlreadyExistsException', 'Launch template name already in use.', {
      status: 400,
    });
  }
}

export const CreateLaunchTemplateVersion = dryRunnable<
  CreateLaunchTemplateVersionCommandInput,
  CreateLaunchTemplateVersionResult
>({
  permissions: (input, call) => [onTemplate(call, 'CreateLaunchTemplateVersion', input)],
  handle(input, call) {
    const template = templateOf(call, input);
    const [known] = madeBefore(input, call) ?? [];
    if (known !== undefined) {
      return { LaunchTemplateVersion: versionShape(template, versionOf(call, template, known)) };
    }
    // "The new version inherits the same launch parameters as the source version, except for parameters that you specify."
    const source = input.SourceVersion === undefined ? {} : versionOf(call, template, input.SourceVersion).data;
    const version: TemplateVersion = {
      number: template.lastNumber + 1,
      description: input.VersionDescription,
      createdAt: call.clock.now(),
      createdBy: caller(call),
      data: { ...source, ...checkData(input.LaunchTemplateData) },
    };
    putVersion(call, template, version);
    putTemplate(call, { ...template, lastNumber: version.number });
    rememberToken(input, [String(version.number)], call);
    return { LaunchTemplateVersion: versionShape(template, version) };
  },
});

export const ModifyLaunchTemplate = dryRunnable<ModifyLaunchTemplateCommandInput, ModifyLaunchTemplateResult>({
  permissions: (input, call) => [onTemplate(call, 'ModifyLaunchTemplate', input)],
  handle(input, call) {
    const template = templateOf(call, input);
    if (input.DefaultVersion === undefined) throw missingParameter('DefaultVersion');
    const changed = { ...template, defaultVersion: versionOf(call, template, input.DefaultVersion).number };
    putTemplate(call, changed);
    return { LaunchTemplate: templateShape(call, changed) };
  },
});

export const DeleteLaunchTemplate = dryRunnable<DeleteLaunchTemplateCommandInput, DeleteLaunchTemplateResult>({
  permissions: (input, call) => [onTemplate(call, 'DeleteLaunchTemplate', input)],
  handle(input, call) {
    const template = templateOf(call, input);
    const { Tags: _tags, ...shape } = templateShape(call, template);
    removeTemplate(call, template);
    putTags(call, template.id, {});
    return { LaunchTemplate: shape };
  },
});

export const DeleteLaunchTemplateVersions = dryRunnable<
  DeleteLaunchTemplateVersionsCommandInput,
  DeleteLaunchTemplateVersionsResult
>({
  permissions: (input, call) => [onTemplate(call, 'DeleteLaunchTemplateVersions', input)],
  handle(input, call) {
    const template = templateOf(call, input);
    const deleted: NonNullable<DeleteLaunchTemplateVersionsResult['SuccessfullyDeletedLaunchTemplateVersions']> = [];
    const kept: NonNullable<DeleteLaunchTemplateVersionsResult['UnsuccessfullyDeletedLaunchTemplateVersions']> = [];
    if ((input.Versions ?? []).length === 0) throw missingParameter('LaunchTemplateVersion');
    for (const wanted of input.Versions!) {
      const item = {
        LaunchTemplateId: template.id,
        LaunchTemplateName: template.name,
        VersionNumber: Number(wanted),
      };
      const problem = deletionProblem(call, template, wanted);
      if (problem !== undefined) {
        kept.push({ ...item, ResponseError: problem });
        continue;
      }
      removeVersion(call, template, Number(wanted));
      deleted.push(item);
    }
    return {
      SuccessfullyDeletedLaunchTemplateVersions: deleted,
      UnsuccessfullyDeletedLaunchTemplateVersions: kept,
    };
  },
});

function deletionProblem(call: Call, template: LaunchTemplate, wanted: string) {
  if (findVersion(call, template, Number(wanted)) === undefined) {
    return {
      Code: 'launchTemplateVersionDoesNotExist' as const,
      Message: `Launch template version ${wanted} does not exist.`,
    };
  }
  // "You can't delete the default version of a launch template; you must first assign a different version as the default."
  if (Number(wanted) !== template.defaultVersion) return undefined;
  return { Code: 'unexpectedError' as const, Message: 'The default version of a launch template cannot be deleted.' };
}

function noneOfThatName(): never {
  throw awsFailure(
    'InvalidLaunchTemplateName.NotFoundException',
    'At least one of the launch templates specified in the request does not exist.',
    { status: 400 },
  );
}

export const DescribeLaunchTemplates = dryRunnable<DescribeLaunchTemplatesCommandInput, DescribeLaunchTemplatesResult>({
  permissions: onEverything('DescribeLaunchTemplates'),
  handle(input, call) {
    const named = [
      ...(input.LaunchTemplateIds ?? []).map((id) => templateOf(call, { LaunchTemplateId: id })),
      ...(input.LaunchTemplateNames ?? []).map((name) => findTemplateByName(call, name) ?? noneOfThatName()),
    ];
    const found = filtered(named.length === 0 ? templatesOf(call) : named, input.Filters, {
      tags: ({ id }) => tagsOf(call, id),
      fields: {
        'launch-template-name': ({ name }) => name,
        'create-time': ({ createdAt }) => new Date(createdAt).toISOString(),
      },
    });
    const { page, ...next } = paged(found, input, { min: 1, max: 200 });
    return { LaunchTemplates: page.map((template) => templateShape(call, template)), ...next };
  },
});
