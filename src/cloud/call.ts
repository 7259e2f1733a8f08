// What every service of the embedded AWS is given and gives back: the call, its permissions, its operation.
import type { Clock, Failure, Random } from '../base/index.ts';
import type { Principal, ResourcePolicies } from '../policy/index.ts';
import type { Credential } from './credential.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import type { SigningFacts } from './signing-facts.ts';
import type { Trail } from './trail.ts';
import type { World } from './world.ts';

export type ServiceId = 'iam' | 'sts' | 'organizations' | 's3' | 'ec2' | 'kms' | 'dynamodb' | 'cloudtrail';

/** One request after routing, signature and parsing; authorization and the handler see the same value. */
export interface Call {
  readonly requestId: string;
  readonly service: ServiceId;
  readonly operation: string;
  /** The account the call acts in: the signer's. Empty for an unsigned call. */
  readonly account: string;
  readonly partition: string;
  readonly region: string;
  readonly principal: Principal;
  /** Absent for an unsigned call. */
  readonly credential?: Credential | undefined;
  readonly world: World;
  /** Emulated time; everything but signatures goes by it. */
  readonly clock: Clock;
  readonly random: Random;
  /** The answer AWS would refuse `permission` with, or undefined when it is allowed: for operations that answer per item (`s3:DeleteObjects`). */
  readonly refusal: (permission: Permission) => Failure | undefined;
  /** The clear text (JSON) of an encoded authorization failure message that a caller of this account got; absent when it is not one. */
  readonly decodeAuthorizationMessage: (encoded: string) => string | undefined;
  /** Where the keys of identity providers come from; asked by `prepare`, never inside a transaction. */
  readonly issuerKeys: IssuerKeys;
  /** What was done before, as CloudTrail keeps it. */
  readonly trail: Pick<Trail, 'newest'>;
  readonly http: {
    readonly host: string;
    readonly sourceIp: string;
    readonly userAgent: string;
    readonly secure: boolean;
    readonly referer?: string | undefined;
    /** How the call was signed; undefined for an unsigned one. Read from the request when it is asked, for few ask. */
    readonly signing: () => SigningFacts | undefined;
  };
}

/**
 * One (action, resource) pair that must be allowed before the handler runs. An operation may name
 * several; all must pass, and the first refusal is the answer.
 */
export interface Permission {
  /** IAM's name of the permission, which is not always the operation's: `s3:ListAllMyBuckets`. */
  readonly action: string;
  /** ARN, or `*` for an action that names no resource. */
  readonly resource: string;
  /** What a refusal calls the resource, where AWS does not write its ARN: `role web`. */
  readonly named?: string | undefined;
  /**
   * Who asks, when it is not the signer: the identity provider behind an unsigned call (`sts:AssumeRoleWithSAML`). Only
   * policies on the resource's side know it.
   */
  readonly principal?: Principal | undefined;
  /** Account that owns the resource, when it is not the caller's. */
  readonly resourceAccount?: string | undefined;
  /** Service keys and `aws:ResourceTag/…`, `aws:RequestTag/…`, `aws:TagKeys`; names in any case. Global keys are filled by authorize. */
  readonly context?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  readonly resourcePolicy?: ResourcePolicies | undefined;
  /** The caller's account as S3 knows it, for a policy that names a `CanonicalUser`. */
  readonly canonicalUser?: string | undefined;
  /** RCPs do not bind what AWS owns and manages in the account: its own KMS keys. */
  readonly rcpExempt?: boolean | undefined;
}

/**
 * An operation as data: what must be allowed, and what happens. Input and output have the member
 * names of the SDK's command (`CreateRoleCommandInput`); times are `Date`, blobs `Uint8Array`.
 */
export interface Operation<Input = never, Output = unknown, Prepared = never, Made = unknown> {
  /**
   * Runs before the call's turn and outside its transaction, so that other calls go on: for what has to be fetched,
   * loaded or verified at leisure. Reads only, and nothing it read is sure to hold later. Its answer goes to the other two.
   */
  readonly prepare?: (input: Input, call: Call) => Promise<Made>;
  /**
   * Reads only. May throw a not-found failure where AWS answers so before authorization.
   * `permissionless`: needs no Allow and no Deny stops it (`sts:GetCallerIdentity`).
   */
  readonly permissions: (input: Input, call: Call, prepared: Prepared) => readonly Permission[] | 'permissionless';
  /** Changes go through `call.world` tables and are undone together when it throws. */
  readonly handle: (input: Input, call: Call, prepared: Prepared) => Output | Promise<Output>;
  /** For the table in docs/cloud.md: what is not as deep as AWS, one short sentence; absent when complete. */
  readonly depth?: string;
}

/** Declares an operation with its SDK types, and forgets them for the table of the service. */
export function operation<Input, Output, Prepared = undefined>(
  spec: Operation<Input, Output, Prepared, Prepared>,
): Operation {
  return spec;
}

export interface Service {
  readonly id: ServiceId;
  readonly operations: Readonly<Record<string, Operation>>;
}
