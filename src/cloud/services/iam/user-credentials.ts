// The lists of a user's other credentials. None of these can be made here, so the lists are empty; who
// deletes a user asks for them (the Terraform provider does).
import { operation, type Operation } from '../../call.ts';
import { need, permissionOn, userNameOf, userNoun } from './entities.ts';

/** `member` is the list in the answer; `paginated` lists say that they end. */
function emptyList(name: string, member: string, paginated: boolean): Operation {
  return operation<{ readonly UserName?: string }, object>({
    depth: 'Always empty: nothing here makes one.',
    permissions: (input, call) => [permissionOn(userNoun, call, name, userNameOf(input, call))],
    handle: (input, call) => {
      need(userNoun, call, userNameOf(input, call));
      return { [member]: [], ...(paginated ? { IsTruncated: false } : {}) };
    },
  });
}

export const userCredentialOperations = {
  ListSSHPublicKeys: emptyList('ListSSHPublicKeys', 'SSHPublicKeys', true),
  ListSigningCertificates: emptyList('ListSigningCertificates', 'Certificates', true),
  ListServiceSpecificCredentials: emptyList('ListServiceSpecificCredentials', 'ServiceSpecificCredentials', false),
};
