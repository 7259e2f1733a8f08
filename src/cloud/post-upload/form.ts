// The body of a browser's upload to S3: multipart/form-data, read into fields and the one file. What comes after
// the file is not looked at. Source: S3 API reference, "POST Object"; RFC 7578.
import { awsFailure } from '../failures.ts';

export interface UploadForm {
  /** By lower-case name, without those of the file. */
  readonly fields: ReadonlyMap<string, string>;
  readonly file: Uint8Array;
  readonly fileName: string;
}

/** Fields may hold 20 KB together. */
const mostFieldBytes = 20_480;
/** Of the headers of one part; a browser sends some two hundred. */
const mostHeadBytes = 8192;

function malformed(): Error {
  return awsFailure('MalformedPOSTRequest', 'The body of your POST request is not well-formed multipart/form-data.', {
    status: 400,
  });
}

/** @throws MalformedPOSTRequest, MaxPostPreDataLengthExceeded, InvalidArgument 400 */
export function readUploadForm(contentType: string, bytes: Uint8Array): UploadForm {
  const boundary = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType);
  if (boundary === null) throw malformed();
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const delimiter = Buffer.from(`\r\n--${boundary[1] ?? boundary[2]}`);
  const fields = new Map<string, string>();
  let size = 0;
  // The first delimiter has no line break before it.
  let at = body.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2)) ? delimiter.length - 2 : -1;
  while (at >= 0 && body.subarray(at, at + 2).toString() === '\r\n') {
    const head = body.indexOf('\r\n\r\n', at);
    const end = head === -1 ? -1 : body.indexOf(delimiter, head + 2);
    if (end === -1 || head - at > mostHeadBytes) throw malformed();
    const { name, fileName } = partName(body.subarray(at, head).toString());
    const content = body.subarray(Math.min(head + 4, end), end);
    if (name === 'file') return { fields, file: new Uint8Array(content), fileName };
    size += name.length + content.length;
    if (size > mostFieldBytes) {
      throw awsFailure(
        'MaxPostPreDataLengthExceededError',
        'Your POST request fields preceding the upload file was too large.',
        { status: 400 },
      );
    }
    fields.set(name, content.toString());
    at = end + delimiter.length;
  }
  if (at === -1) throw malformed();
  throw awsFailure('InvalidArgument', 'POST requires exactly one file upload per request.', {
    status: 400,
    fields: { ArgumentName: 'file', ArgumentValue: '0' },
  });
}

function partName(head: string): { readonly name: string; readonly fileName: string } {
  const disposition = /^content-disposition:\s*form-data\s*;(.*)$/im.exec(head)?.[1] ?? '';
  const name = /(?:^|[;\s])name="?([^";]*)"?/i.exec(disposition)?.[1];
  if (name === undefined || name === '') throw malformed();
  return { name: name.toLowerCase(), fileName: /filename="?([^";]*)"?/i.exec(disposition)?.[1] ?? '' };
}
