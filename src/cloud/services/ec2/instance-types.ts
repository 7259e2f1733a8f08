// Instance types as families and sizes: what DescribeInstanceTypes says of them. Source: EC2 instance types pages.

export interface InstanceType {
  readonly name: string;
  readonly vcpus: number;
  readonly mebibytes: number;
  readonly architecture: 'x86_64' | 'arm64';
  readonly burstable: boolean;
  readonly nitro: boolean;
  readonly current: boolean;
}

interface Family {
  readonly name: string;
  /** Memory per vCPU of the sizes from large on. */
  readonly gibibytesPerVcpu: number;
  readonly arm?: true;
  readonly burstable?: true;
  readonly xen?: true;
  readonly sizes: string;
}

const wide = 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge';
const armWide = 'medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge';
const small = 'nano micro small medium large xlarge 2xlarge';

const families: readonly Family[] = [
  { name: 't2', gibibytesPerVcpu: 4, burstable: true, xen: true, sizes: small },
  { name: 't3', gibibytesPerVcpu: 4, burstable: true, sizes: small },
  { name: 't3a', gibibytesPerVcpu: 4, burstable: true, sizes: small },
  { name: 't4g', gibibytesPerVcpu: 4, burstable: true, arm: true, sizes: small },
  { name: 'm5', gibibytesPerVcpu: 4, sizes: wide },
  { name: 'm6i', gibibytesPerVcpu: 4, sizes: wide },
  { name: 'm6g', gibibytesPerVcpu: 4, arm: true, sizes: armWide },
  { name: 'm7i', gibibytesPerVcpu: 4, sizes: wide },
  { name: 'm7g', gibibytesPerVcpu: 4, arm: true, sizes: armWide },
  { name: 'c5', gibibytesPerVcpu: 2, sizes: wide },
  { name: 'c6i', gibibytesPerVcpu: 2, sizes: wide },
  { name: 'c6g', gibibytesPerVcpu: 2, arm: true, sizes: armWide },
  { name: 'c7i', gibibytesPerVcpu: 2, sizes: wide },
  { name: 'c7g', gibibytesPerVcpu: 2, arm: true, sizes: armWide },
  { name: 'r5', gibibytesPerVcpu: 8, sizes: wide },
  { name: 'r6i', gibibytesPerVcpu: 8, sizes: wide },
  { name: 'r6g', gibibytesPerVcpu: 8, arm: true, sizes: armWide },
];

/** Memory of the small burstable sizes in MiB; they have two vCPUs, in t2 one up to small. */
const burstableMemory: Readonly<Record<string, number>> = { nano: 512, micro: 1024, small: 2048, medium: 4096 };

const first: InstanceType = {
  name: 'm1.small',
  vcpus: 1,
  mebibytes: 1740,
  architecture: 'x86_64',
  burstable: false,
  nitro: false,
  current: false,
};

/** What RunInstances takes when it is not told a type. */
export const defaultInstanceType = first.name;

function typeOf(family: Family, size: string): InstanceType {
  const times = /^(\d+)xlarge$/.exec(size)?.[1];
  const vcpus = times !== undefined ? Number(times) * 4 : size === 'xlarge' ? 4 : size === 'large' ? 2 : 1;
  const burst = family.burstable === true ? burstableMemory[size] : undefined;
  return {
    name: `${family.name}.${size}`,
    vcpus: burst !== undefined && (family.name !== 't2' || size === 'medium') ? 2 : vcpus,
    mebibytes: burst ?? vcpus * family.gibibytesPerVcpu * 1024,
    architecture: family.arm === true ? 'arm64' : 'x86_64',
    burstable: family.burstable === true,
    nitro: family.xen !== true,
    current: true,
  };
}

export function instanceTypes(): readonly InstanceType[] {
  return [first, ...families.flatMap((family) => family.sizes.split(' ').map((size) => typeOf(family, size)))];
}

/** Undefined for a type that is not offered. */
export function instanceType(name: string): InstanceType | undefined {
  if (name === first.name) return first;
  const [familyName, size = ''] = name.split('.');
  const family = families.find((one) => one.name === familyName);
  return family?.sizes.split(' ').includes(size) === true ? typeOf(family, size) : undefined;
}
