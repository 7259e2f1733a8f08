// The SDK's packages, loaded when first needed and asked for with every call of AWS. Bundled, an `import()` of a
// CommonJS package copies all its names anew: 0.68 ms for those of IAM, three times in the end of a lease. So each
// is imported once.
type Iam = typeof import('@aws-sdk/client-iam');
type Sts = typeof import('@aws-sdk/client-sts');

let iam: Promise<Iam> | undefined;
let sts: Promise<Sts> | undefined;

/** Rejects as `import` does; then the next call tries again. */
export function iamSdk(): Promise<Iam> {
  iam ??= import('@aws-sdk/client-iam').catch((error: unknown) => {
    iam = undefined;
    throw error;
  });
  return iam;
}

/** As `iamSdk`. */
export function stsSdk(): Promise<Sts> {
  sts ??= import('@aws-sdk/client-sts').catch((error: unknown) => {
    sts = undefined;
    throw error;
  });
  return sts;
}
