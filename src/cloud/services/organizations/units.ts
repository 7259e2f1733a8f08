// Organizational units: made, renamed, deleted, read. A unit never moves.
import type * as Sdk from '@aws-sdk/client-organizations';
import { randomText } from '../../../base/index.ts';
import { operation, type Call } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { requestTagKeys } from '../iam/tags.ts';
import { needParent } from './accounts.ts';
import { forgetNode } from './attachments.ts';
import { constraintViolation, organizationsFailure } from './failures.ts';
import { children, units } from './model.ts';
import { pageOf } from './page.ts';
import { permissionOnNode, permissionToTag } from './permissions.ts';
import { putNodeTags, withTags } from './tags.ts';
import { childId, childrenOf, idAlphabet, lineOf, nodeById, pathOf, putUnit, rootIdOf, type Node } from './tree.ts';

function unitShape(call: Call, { id, arn, name }: Node): Sdk.OrganizationalUnit {
  return { Id: id, Arn: arn, Name: name, Path: pathOf(call.world, id) };
}

/** @throws OrganizationalUnitNotFoundException */
function needUnit(call: Call, id: string): Node & { readonly parent: string } {
  const node = nodeById(call.world, id);
  if (node?.kind !== 'ORGANIZATIONAL_UNIT') throw organizationsFailure('OrganizationalUnitNotFoundException');
  return node as Node & { readonly parent: string };
}

/** @throws DuplicateOrganizationalUnitException */
function refuseTakenName(call: Call, parent: string, name: string): void {
  for (const [, unit] of childrenOf(call.world, parent, 'ORGANIZATIONAL_UNIT')) {
    if (unit.name === name) throw organizationsFailure('DuplicateOrganizationalUnitException');
  }
}

/** @throws ConstraintViolationException */
function refuseTooMany(call: Call, parent: string): void {
  const { OrganizationalUnitDepth: depth, OrganizationalUnitsPerOrganization: number } = call.world.quotas;
  // The line begins with the root, which is no unit.
  if (lineOf(call.world, parent).length > depth) {
    throw constraintViolation(
      'You attempted to create an OU tree that is too many levels deep.',
      'OU_DEPTH_LIMIT_EXCEEDED',
    );
  }
  if (call.world.table(units).count('') >= number) {
    throw constraintViolation(
      'You attempted to exceed the number of OUs that you can have in an organization.',
      'OU_NUMBER_LIMIT_EXCEEDED',
    );
  }
}

function freshUnitId(call: Call): string {
  for (;;) {
    const id = `ou-${rootIdOf(call.world).slice(2)}-${randomText(call.random, 8, idAlphabet)}`;
    if (call.world.table(units).get('', id) === undefined) return id;
  }
}

const createOrganizationalUnit = operation<
  Parsed<Sdk.CreateOrganizationalUnitRequest>,
  Sdk.CreateOrganizationalUnitResponse
>({
  permissions: (input, call) => [
    permissionOnNode(call, 'CreateOrganizationalUnit', input.ParentId, requestTagKeys(input.Tags)),
    ...permissionToTag(call, 'ou', '/*', input.Tags),
  ],
  handle: (input, call) => {
    const parent = needParent(call, input.ParentId).id;
    refuseTakenName(call, parent, input.Name);
    refuseTooMany(call, parent);
    const id = freshUnitId(call);
    putUnit(call.world, { id, name: input.Name, parent });
    putNodeTags(call, id, withTags(call, [], input.Tags));
    return { OrganizationalUnit: unitShape(call, needUnit(call, id)) };
  },
});

const updateOrganizationalUnit = operation<
  Parsed<Sdk.UpdateOrganizationalUnitRequest>,
  Sdk.UpdateOrganizationalUnitResponse
>({
  permissions: (input, call) => [permissionOnNode(call, 'UpdateOrganizationalUnit', input.OrganizationalUnitId)],
  handle: (input, call) => {
    const { id, parent, name } = needUnit(call, input.OrganizationalUnitId);
    if (input.Name !== undefined) refuseTakenName(call, parent, input.Name);
    putUnit(call.world, { id, name: input.Name ?? name, parent });
    return { OrganizationalUnit: unitShape(call, needUnit(call, id)) };
  },
});

const deleteOrganizationalUnit = operation<Parsed<Sdk.DeleteOrganizationalUnitRequest>, void>({
  permissions: (input, call) => [permissionOnNode(call, 'DeleteOrganizationalUnit', input.OrganizationalUnitId)],
  handle: (input, call) => {
    const { id, parent } = needUnit(call, input.OrganizationalUnitId);
    for (const kind of ['ACCOUNT', 'ORGANIZATIONAL_UNIT'] as const) {
      for (const _child of childrenOf(call.world, id, kind)) {
        throw organizationsFailure('OrganizationalUnitNotEmptyException');
      }
    }
    forgetNode(call, id);
    call.world.table(children).delete('', childId(parent, 'ORGANIZATIONAL_UNIT', id));
    call.world.table(units).delete('', id);
  },
});

const describeOrganizationalUnit = operation<
  Parsed<Sdk.DescribeOrganizationalUnitRequest>,
  Sdk.DescribeOrganizationalUnitResponse
>({
  permissions: (input, call) => [permissionOnNode(call, 'DescribeOrganizationalUnit', input.OrganizationalUnitId)],
  handle: (input, call) => ({ OrganizationalUnit: unitShape(call, needUnit(call, input.OrganizationalUnitId)) }),
});

const listOrganizationalUnitsForParent = operation<
  Parsed<Sdk.ListOrganizationalUnitsForParentRequest>,
  Sdk.ListOrganizationalUnitsForParentResponse
>({
  permissions: (input, call) => [permissionOnNode(call, 'ListOrganizationalUnitsForParent', input.ParentId)],
  handle: (input, call) => {
    const { id } = needParent(call, input.ParentId);
    const { items, ...page } = pageOf((after) => childrenOf(call.world, id, 'ORGANIZATIONAL_UNIT', after), input);
    return { OrganizationalUnits: items.map((unit) => unitShape(call, unit)), ...page };
  },
});

export const unitOperations = {
  CreateOrganizationalUnit: createOrganizationalUnit,
  UpdateOrganizationalUnit: updateOrganizationalUnit,
  DeleteOrganizationalUnit: deleteOrganizationalUnit,
  DescribeOrganizationalUnit: describeOrganizationalUnit,
  ListOrganizationalUnitsForParent: listOrganizationalUnitsForParent,
};
