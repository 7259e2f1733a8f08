// EC2 of the embedded AWS: instances with profiles, and the network, images and types around them.
import type { Service } from '../../call.ts';
import * as accountSettings from './account-settings.ts';
import * as attributes from './attributes.ts';
import * as images from './describe-images.ts';
import * as types from './describe-instance-types.ts';
import * as instances from './describe-instances.ts';
import * as networkParts from './describe-network-parts.ts';
import * as network from './describe-network.ts';
import * as prefixLists from './describe-prefix-lists.ts';
import * as regions from './describe-regions.ts';
import * as readGroups from './describe-security-groups.ts';
import * as readVolumes from './describe-volumes.ts';
import * as keyPairs from './key-pairs.ts';
import * as templateData from './launch-template-data.ts';
import * as templates from './launch-templates.ts';
import * as lifecycle from './lifecycle.ts';
import * as metadataDefaults from './metadata-defaults.ts';
import * as profiles from './profiles.ts';
import { RunInstances } from './run-instances.ts';
import * as groups from './security-groups.ts';
import * as tagging from './tagging.ts';
import * as volumes from './volumes.ts';

/** Modules export helpers beside their operations; an operation's name starts with a capital. */
function operationsOf(...modules: readonly object[]): Service['operations'] {
  const all = modules.flatMap((one) => Object.entries(one).filter(([name]) => /^[A-Z]/.test(name)));
  return Object.fromEntries(all) as Service['operations'];
}

export const ec2: Service = {
  id: 'ec2',
  operations: operationsOf(
    { RunInstances },
    lifecycle,
    instances,
    attributes,
    profiles,
    templates,
    templateData,
    keyPairs,
    groups,
    readGroups,
    volumes,
    readVolumes,
    metadataDefaults,
    accountSettings,
    tagging,
    regions,
    network,
    networkParts,
    prefixLists,
    images,
    types,
  ),
};
