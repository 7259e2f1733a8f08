// Images: a few that everyone looks for, the same ids in every world, different ones per region as in AWS.
// Any other well-formed id is taken for a public image that this world cannot know.
import { checkId } from './failures.ts';
import { derivedId } from './ids.ts';

export interface Image {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  readonly ownerAlias: string | undefined;
  readonly architecture: 'x86_64' | 'arm64';
  readonly rootDevice: string;
  readonly gibibytes: number;
  /** Set for images whose instances require IMDSv2 unless told otherwise. */
  readonly imdsV2: boolean;
  readonly created: string;
}

const amazon = { owner: '137112412989', ownerAlias: 'amazon' } as const;
const canonical = { owner: '099720109477', ownerAlias: undefined } as const;
const linux2023 = {
  ...amazon,
  description: 'Amazon Linux 2023 AMI',
  rootDevice: '/dev/xvda',
  gibibytes: 8,
  imdsV2: true,
} as const;

/** The first one is the default image. */
const seeds: readonly Omit<Image, 'id'>[] = [
  {
    ...linux2023,
    name: 'al2023-ami-2023.9.20251027.0-kernel-6.1-x86_64',
    architecture: 'x86_64',
    created: '2025-10-27T21:02:11.000Z',
  },
  {
    ...linux2023,
    name: 'al2023-ami-2023.9.20251027.0-kernel-6.1-arm64',
    architecture: 'arm64',
    created: '2025-10-27T21:02:18.000Z',
  },
  {
    ...amazon,
    name: 'amzn2-ami-hvm-2.0.20251014.0-x86_64-gp2',
    description: 'Amazon Linux 2 AMI 2.0.20251014.0 x86_64 HVM gp2',
    architecture: 'x86_64',
    rootDevice: '/dev/xvda',
    gibibytes: 8,
    imdsV2: false,
    created: '2025-10-14T18:40:02.000Z',
  },
  {
    ...canonical,
    name: 'ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20251022',
    description: 'Canonical, Ubuntu, 24.04, amd64 noble image',
    architecture: 'x86_64',
    rootDevice: '/dev/sda1',
    gibibytes: 8,
    imdsV2: true,
    created: '2025-10-22T09:12:44.000Z',
  },
  {
    ...canonical,
    name: 'ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20251015',
    description: 'Canonical, Ubuntu, 22.04 LTS, amd64 jammy image',
    architecture: 'x86_64',
    rootDevice: '/dev/sda1',
    gibibytes: 8,
    imdsV2: false,
    created: '2025-10-15T07:30:10.000Z',
  },
];

export function seededImages(region: string): readonly Image[] {
  return seeds.map((seed) => ({ ...seed, id: derivedId('ami', region, seed.name) }));
}

/** @throws InvalidAMIID.Malformed 400 */
export function imageOf(region: string, id: string): Image {
  checkId(id, 'ami', 'InvalidAMIID.Malformed');
  return seededImages(region).find((image) => image.id === id) ?? unknownImage(id);
}

function unknownImage(id: string): Image {
  return {
    ...amazon,
    id,
    name: `public-image-${id}`,
    description: 'A public image; the embedded AWS knows no more of it than its id',
    architecture: 'x86_64',
    rootDevice: '/dev/xvda',
    gibibytes: 8,
    imdsV2: false,
    created: '2025-01-01T00:00:00.000Z',
  };
}
