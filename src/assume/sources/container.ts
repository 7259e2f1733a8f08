// The role of the ECS task or EKS pod that this runs in, at the endpoint that its environment names.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
import { failure } from '../failures.ts';
import type { Credentials, Environment } from '../model.ts';
import { askMetadata, readMetadataCredentials, whyNot } from './metadata-credentials.ts';
import type { SourceOf, SourceTools } from './source.ts';

type ContainerSource = SourceOf<'container'>;

const attempts = 3;
const patience = 2000;

function refuse({ place, url }: ContainerSource, what: string, explainId?: string): Error {
  const explained = explainId === undefined ? '' : `; \`stint cloud explain ${explainId}\` says why`;
  return failure('metadata-failed', `${place}: no credentials from the container's endpoint \`${url}\`: ${what}`, {
    hint: `look at the role of the task or pod, its trust policy, and the AWS_CONTAINER_ variables${explained}`,
  });
}

function readTokenFile(source: ContainerSource, file: string): string {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(file, 'utf8');
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw refuse(source, `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE \`${file}\` cannot be read (${why})`);
  }
}

/** The file goes before the variable, and is read anew each time. Editors end files with a line feed. */
function tokenOf(source: ContainerSource, env: Environment): string | undefined {
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const token = file ? readTokenFile(source, file).replace(/\r?\n$/, '') : env['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  if (!token) return undefined;
  // SECURITY: a line break would let the token write headers of its own.
  if (/[^\x20-\x7e]/.test(token))
    throw refuse(source, 'the authorization token has line breaks or other letters no header takes');
  return token;
}

/** Credentials of the container's role. @throws Failure `metadata-failed`. */
export async function readContainer(source: ContainerSource, tools: SourceTools): Promise<Credentials> {
  const token = tokenOf(source, tools.env);
  const headers = { accept: 'application/json', ...(token === undefined ? {} : { authorization: token }) };
  const caBundle = tools.env['AWS_CA_BUNDLE'] || undefined;
  const url = new URL(source.url);
  const answer = await askMetadata({ method: 'GET', url, headers, patience, attempts, caBundle }, tools);
  if ('lost' in answer || answer.status !== 200)
    throw refuse(source, whyNot(answer), 'lost' in answer ? undefined : answer.explainId);
  const found = readMetadataCredentials(answer.body, tools.clock);
  if ('problem' in found) throw refuse(source, found.problem);
  return found;
}
