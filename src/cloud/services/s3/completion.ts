// What a completion of a multipart upload says, held against the parts that are there and the way the upload was made.
import type { CompleteMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { sentAlgorithm } from './checksum.ts';
import { invalidRequest, malformedXml } from './failures.ts';
import { partRow, parts, type Bucket, type Part, type Upload } from './model.ts';

/** Parts but the last have at least 5 MiB: "Amazon S3 multipart upload limits". */
const leastPart = 5 * 1024 * 1024;

/** A part may be named with its checksum too, and must be where the upload is to have a checksum of checksums. */
function sameChecksum(upload: Upload, part: Part, named: object): boolean {
  const algorithm = sentAlgorithm(named);
  if (algorithm === undefined) return true;
  const member = `Checksum${algorithm}`;
  return upload.unstated === undefined && part.checksum[member] === (named as Record<string, string>)[member];
}

/** @throws InvalidRequest 400 when the completion is not of the mode the upload was made in */
export function checkMode(upload: Upload, input: CompleteMultipartUploadCommandInput, size: number): void {
  const mode = upload.unstated === undefined ? upload.checksumType : 'null';
  if (input.ChecksumType !== undefined && input.ChecksumType !== mode) {
    throw invalidRequest(
      `The upload was created using the ${mode} checksum mode. The complete request must use the same checksum mode.`,
    );
  }
  const bare =
    mode === 'COMPOSITE' ? input.MultipartUpload?.Parts?.find((part) => sentAlgorithm(part) === undefined) : undefined;
  if (bare !== undefined) {
    throw invalidRequest(
      `The upload was created using a ${upload.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${bare.PartNumber} in the request.`,
    );
  }
  if (input.MpuObjectSize !== undefined && input.MpuObjectSize !== size) {
    throw invalidRequest(
      `The provided 'x-amz-mp-object-size' header value ${input.MpuObjectSize} does not match what was computed: ${size}`,
    );
  }
}

/** The parts a completion names, in its order. @throws MalformedXML, InvalidPartOrder, InvalidPart, EntityTooSmall; all 400 */
export function namedParts(
  call: Call,
  bucket: Bucket,
  upload: Upload,
  input: CompleteMultipartUploadCommandInput,
): readonly Part[] {
  if (input.MultipartUpload === undefined) throw invalidRequest('You must specify at least one part');
  const wanted = input.MultipartUpload.Parts ?? [];
  if (wanted.length === 0) {
    throw malformedXml();
  }
  let last = 0;
  const found = wanted.map((named) => {
    const { PartNumber = 0, ETag = '' } = named;
    if (PartNumber <= last) {
      throw awsFailure(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
        { status: 400 },
      );
    }
    last = PartNumber;
    const part = call.world.table(parts).get(bucket.owner, partRow(upload.id, PartNumber));
    const sameTag = part !== undefined && part.etag.replaceAll('"', '') === ETag.replaceAll('"', '');
    if (!sameTag || !sameChecksum(upload, part, named)) {
      throw awsFailure(
        'InvalidPart',
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        { status: 400, fields: { UploadId: upload.id, PartNumber: String(PartNumber), ETag } },
      );
    }
    return part;
  });
  const small = found.slice(0, -1).find(({ body }) => body.length < leastPart);
  if (small !== undefined) {
    throw awsFailure('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
      status: 400,
      fields: {
        ProposedSize: String(small.body.length),
        MinSizeAllowed: String(leastPart),
        PartNumber: String(small.number),
      },
    });
  }
  return found;
}
