// EC2's entities and tables. Instances belong to a region, so a row's id starts with it; networks and images
// are the same for ever and have no rows (network.ts, images.ts).
import type { Millis } from '../../../base/index.ts';
import { tableName } from '../../world.ts';

export type InstanceState = 'running' | 'stopped' | 'terminated';

/** The profile an instance was given: by unique id, so that a namesake made later is not it. */
export interface ProfileAssociation {
  /** `iip-assoc-…`. */
  readonly id: string;
  readonly profileArn: string;
  readonly profileId: string;
  readonly at: Millis;
}

export interface MetadataOptions {
  readonly httpTokens: 'optional' | 'required';
  readonly httpEndpoint: 'enabled' | 'disabled';
  /** Stored and shown; loopback has no hops. */
  readonly hopLimit: number;
  readonly ipv6: 'enabled' | 'disabled';
  readonly tags: 'enabled' | 'disabled';
}

/** What a volume is, whether attached or not. */
export interface Disk {
  readonly id: string;
  readonly gibibytes: number;
  readonly type: string;
  readonly iops: number | undefined;
  readonly throughput: number | undefined;
  readonly encrypted: boolean;
  /** Absent: with the instance it came with. */
  readonly createdAt?: Millis | undefined;
  readonly snapshotId?: string | undefined;
  readonly kmsKeyId?: string | undefined;
}

/** A volume as part of its instance. */
export interface Volume extends Disk {
  readonly device: string;
  readonly deleteOnTermination: boolean;
  /** Absent: with the instance's launch. */
  readonly attachedAt?: Millis | undefined;
}

/** A volume that no instance has. */
export interface FreeVolume extends Disk {
  readonly zone: string;
  readonly createdAt: Millis;
}

export interface NetworkInterface {
  readonly id: string;
  readonly attachmentId: string;
  readonly mac: string;
  readonly privateIp: string;
  readonly publicIp: string | undefined;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly groups: readonly string[];
  readonly sourceDestCheck: boolean;
}

export interface Instance {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly zone: string;
  readonly reservationId: string;
  readonly launchIndex: number;
  readonly clientToken: string | undefined;
  readonly imageId: string;
  readonly keyName?: string | undefined;
  /** Of the key pair as it was at launch. */
  readonly publicKey?: string | undefined;
  readonly type: string;
  readonly state: InstanceState;
  readonly createdAt: Millis;
  /** When it last started. */
  readonly launchedAt: Millis;
  /** When it last stopped or was terminated. */
  readonly endedAt: Millis | undefined;
  readonly profile: ProfileAssociation | undefined;
  readonly metadata: MetadataOptions;
  readonly rootDevice: string;
  /** Empty once terminated. */
  readonly volumes: readonly Volume[];
  /** Absent once terminated. */
  readonly network: NetworkInterface | undefined;
  /** Base64, as given. */
  readonly userData: string | undefined;
  readonly disableApiTermination: boolean;
  readonly disableApiStop: boolean;
  readonly shutdownBehavior: 'stop' | 'terminate';
  readonly ebsOptimized: boolean;
  readonly monitoring: boolean;
  readonly tenancy: string;
  /** `standard` or `unlimited`; only of burstable types. */
  readonly credits: string | undefined;
}

export type Tags = Readonly<Record<string, string>>;

/** Id: `REGION/i-…`. */
export const instances = tableName<Instance>('ec2.instance');
/** Id: `REGION/` and the id of a volume, interface or association → the id of its instance. */
export const parts = tableName<string>('ec2.part');
/** Id: `REGION/` and the id of any resource → its tags. */
export const tags = tableName<Tags>('ec2.tags');
/** Id: `REGION/TOKEN` → the digest of what a request with that token asked for, and the ids of what it made. */
export const clientTokens = tableName<{ readonly request: string; readonly instances: readonly string[] }>(
  'ec2.client-token',
);
/** Id: `REGION/vol-…` of every volume that no instance has. */
export const freeVolumes = tableName<FreeVolume>('ec2.volume');
/** Terminated instances by time, so that those an hour old are found first. Id: `MILLIS/REGION/i-…`. */
export const terminated = tableName<true>('ec2.terminated');
/** Account `''`; id: `ACCOUNT/REGION/i-…` of every instance whose metadata service has to start or stop. */
export const metadataChanges = tableName<true>('ec2.metadata-change');

/** `no-preference` has no member. */
export type MetadataDefaults = Partial<Omit<MetadataOptions, 'ipv6'>>;

/** Id: the region → what instances of the account get there unless their launch says otherwise. */
export const metadataDefaults = tableName<MetadataDefaults>('ec2.metadata-defaults');

export interface KeyPair {
  readonly id: string;
  readonly name: string;
  readonly type: 'rsa' | 'ed25519';
  readonly fingerprint: string;
  /** As a line of `authorized_keys`, without a comment. */
  readonly publicKey: string;
  readonly createdAt: Millis;
}

/** Id: `REGION/NAME`. */
export const keyPairs = tableName<KeyPair>('ec2.key-pair');
/** Id: `REGION/key-…` → the pair's name. */
export const keyPairNames = tableName<string>('ec2.key-pair-name');
