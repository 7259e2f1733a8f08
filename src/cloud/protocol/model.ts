// The wire shapes of one service as data, as tools/generate-wire.ts writes them. Everything the
// protocols know about an operation, its names on the wire and its constraints, is read from here.

/** Simple targets; every other target names a shape. `timestamp` takes the protocol's own format. */
export type SimpleTarget =
  | 'string'
  | 'number'
  | 'boolean'
  | 'blob'
  | 'stream'
  | 'timestamp'
  | 'date-time'
  | 'http-date'
  | 'epoch-seconds';

export interface Member {
  /** Absent: `string`. */
  readonly target?: string;
  readonly xmlName?: string;
  readonly flattened?: true;
  readonly ec2Name?: string;
  /** Where the member travels in a REST request or response; absent: in the body. */
  readonly in?: 'label' | 'query' | 'header' | 'prefix' | 'payload' | 'status';
  /** Name of the query parameter, header, or header prefix. */
  readonly name?: string;
  readonly attribute?: true;
  readonly xmlns?: readonly [prefix: string, uri: string];
  /** Never repeated in messages. */
  readonly sensitive?: true;
  /** Percent-encoded on the way out: policy documents of IAM. */
  readonly uriEncoded?: true;
  /** Index into `rules`. */
  readonly rule?: number;
}

export interface Structure {
  readonly kind: 'structure';
  readonly members: Readonly<Record<string, Member>>;
  /** Names of members that must be there. */
  readonly required?: readonly string[];
  /** Name of the root element when it is not the shape's. */
  readonly xmlName?: string;
}

export type Shape =
  | Structure
  | { readonly kind: 'list'; readonly member: Member }
  | { readonly kind: 'map'; readonly key: Member; readonly value: Member };

/** What AWS's model says of a value. Patterns are the text of AWS's message; a value must match as a whole. */
export interface Rule {
  readonly integer?: true;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  /** Rule for each item of a list. */
  readonly item?: Rule;
}

export interface OperationModel {
  /** Shape names; absent: no members. */
  readonly input?: string;
  readonly output?: string;
  /** REST only. */
  readonly http?: {
    readonly method: string;
    /** Bucket and key are labels of the path; S3's other labels do not occur. */
    readonly labels: 0 | 1 | 2;
    /** Literal query parameters of the operation, `x-id` left out. */
    readonly query: Readonly<Record<string, string>>;
    /** Query parameters and headers without which a request means another operation. */
    readonly needs: readonly string[];
    readonly status: number;
  };
  /** Index into `rules` for members of the input, where the member's shape does not say it. */
  readonly rules?: Readonly<Record<string, number>>;
  /** The service has this operation, and the embedded AWS reads and writes no shapes of it. */
  readonly unoffered?: true;
}

export interface ErrorModel {
  readonly status: number;
  /** Name of its shape. */
  readonly shape: string;
}

export interface ServiceModel {
  readonly service: string;
  readonly protocol: Protocol;
  readonly version: string;
  readonly xmlNamespace: string;
  /** Prefix of `x-amz-target`, without the dot. */
  readonly targetPrefix: string;
  /** Of `x-amz-json`; absent: 1.1. */
  readonly jsonVersion?: '1.0';
  readonly operations: Readonly<Record<string, OperationModel>>;
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly rules: readonly Rule[];
  /** By code on the wire. */
  readonly errors: Readonly<Record<string, ErrorModel>>;
}

export type Protocol = 'query' | 'ec2' | 'rest-xml' | 'json';
