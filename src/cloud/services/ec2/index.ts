// EC2 of the embedded AWS: instances with profiles, and the network, images and types around them.
import type { Service } from '../../call.ts';
import * as attributes from './attributes.ts';
import * as instances from './describe-instances.ts';
import * as surroundings from './describe-surroundings.ts';
import * as lifecycle from './lifecycle.ts';
import * as profiles from './profiles.ts';
import { RunInstances } from './run-instances.ts';
import * as tagging from './tagging.ts';

export const ec2: Service = {
  id: 'ec2',
  operations: {
    RunInstances,
    ...lifecycle,
    ...instances,
    ...attributes,
    AssociateIamInstanceProfile: profiles.AssociateIamInstanceProfile,
    DisassociateIamInstanceProfile: profiles.DisassociateIamInstanceProfile,
    ReplaceIamInstanceProfileAssociation: profiles.ReplaceIamInstanceProfileAssociation,
    DescribeIamInstanceProfileAssociations: profiles.DescribeIamInstanceProfileAssociations,
    ...tagging,
    ...surroundings,
  },
};
